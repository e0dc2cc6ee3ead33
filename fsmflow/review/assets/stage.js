// The panel of a stage: what went in, what came out, what went wrong.

function stagePanel(now) {
  const run = review.runs[now.run];
  if (now.position === 0) return startPanel(run);
  return now.position > run.stages.length ? endPanel(run) : attemptPanel(run.stages[now.position - 1]);
}

function startPanel(run) {
  return [
    element("h2", {}, "Start"),
    part("Input", tree(run.given)),
    part(
      "Run",
      rows([
        ["id", code(run.run_id)],
        ["trace", code(run.trace_id)],
        ...(run.profile ? [["profile", code(run.profile)]] : []),
      ]),
    ),
  ];
}

function endPanel(run) {
  const error = run.error !== null && run.kind !== "success" ? part("Latest error", tree(run.error)) : null;
  return [
    element("h2", {}, tag(run.kind), said(run.end)),
    element("p", { class: "muted" }, `The run ended after ${duration(run.total)}.`),
    part("Output", tree(run.output)),
    error,
    part("Used in all", rows(uses(run.spent))),
  ];
}

function attemptPanel(stage) {
  const kind = stage.kind === "attempt" ? null : element("span", { class: "muted" }, stage.kind);
  return [
    element("h2", {}, tag(roleOf(stage.state)), stateLink(stage.state), kind),
    stage.error === undefined ? null : part("Error", element("div", { class: "error" }, tree(stage.error))),
    stage.complaints ? part("Complaints", complaints(stage.complaints)) : null,
    rows(factsOf(stage)),
    stage.given === undefined ? null : part("Input", tree(stage.given)),
    stage.output === undefined ? null : part("Output", tree(stage.output)),
  ];
}

function stateLink(state) {
  const name = said(nameOf(state));
  if (typeof state !== "number") return name;
  return link(name, () => selectState(state));
}

function complaints(numbers) {
  return element(
    "ul",
    { class: "error" },
    numbers.map((number) => element("li", {}, tree(number))),
  );
}

function factsOf(stage) {
  const outcome = stage.label ? [said(stage.label), ` (${stage.outcome})`] : stage.outcome;
  return [
    ["outcome", element("span", { class: isFailure(stage) ? "bad" : null }, outcome)],
    ["visit", count(stage.visit)],
    ["attempt", count(stage.attempt)],
    ["began", `${duration(stage.start)} into the run`],
    ["took", duration(stage.time)],
    ...uses(stage.use ?? {}),
  ];
}

/** Say in a line where a run stands. */
function stageWords(run, position) {
  if (position === 0) return "start";
  if (position > run.stages.length) return `end: ${run.end}`;
  const stage = run.stages[position - 1];
  const again = stage.attempt > 1 ? `, attempt ${stage.attempt}` : "";
  const what = stage.kind === "attempt" ? (stage.label ?? stage.outcome) : stage.kind;
  return `${position}. ${nameOf(stage.state)}${again}: ${what}`;
}
