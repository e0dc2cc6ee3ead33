// The data of the page: states, edges, runs and values are called by their numbers.

const review = JSON.parse(byId("data").textContent);

const START = -2; // the edge to the first state
const BUDGET = -1; // the one edge from any step to where a run goes whose budget is used up

/** The number of each state, by its name. */
const numbers = new Map(review.states.map((state, number) => [state.name, number]));

/** Give the name of a state by its number; a state of a run that this version lacks comes by its name. */
function nameOf(state) {
  return typeof state === "number" ? review.states[state].name : state;
}

/** Give what kind of step or end a state is. */
function roleOf(state) {
  return typeof state === "number" ? review.states[state].role : "fn";
}

/** Tell whether a stage is something that could fail: an attempt, or a question to a person. */
function isTry(stage) {
  return stage.kind === "attempt" || stage.kind === "question";
}

/** Tell whether a stage is an attempt that did not succeed, or a question that nobody answered. */
function isFailure(stage) {
  return isTry(stage) && stage.outcome !== "success";
}

/** Say how a stage ended; of a pause or a wait, that it is one. */
function outcomeOf(stage) {
  if (!isTry(stage)) return stage.kind;
  if (stage.kind === "question" && stage.outcome === "failure") return "no answer";
  return stage.label ?? stage.outcome;
}
