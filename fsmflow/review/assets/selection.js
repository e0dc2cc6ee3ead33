// What is looked at: one state, and one position in one run. Whoever shows it is told when it changes.
//
// Position 0 of a run is its start, 1 to n are its stages, and n + 1 is its end.

const selection = {
  state: null, // a number
  run: review.runs.length ? 0 : null,
  position: 0,
  path: null, // a path that is lit up in the drawing: of a proof, or of a policy
  isReplaying: false, // whether the run is lit up in the drawing
};
const watchers = [];

/** Call `watcher` after each change, with what is selected and with what changed. */
function watch(watcher) {
  watchers.push(watcher);
}

function select(changed) {
  Object.assign(selection, changed);
  for (const watcher of watchers) watcher(selection, changed);
}

/** Look at a state. */
function selectState(state) {
  if (typeof state === "number") select({ state });
}

/** Look at a state from further down the page. */
function visit(state) {
  selectState(state);
  byId("workbench").scrollIntoView();
}

/** Go to a position of a run, as far as there is one. */
function goTo(position, run = selection.run) {
  if (run === null) return;
  const last = lastPosition(review.runs[run]);
  const changed = run === selection.run ? {} : { run };
  select({ ...changed, position: Math.min(last, Math.max(0, position)), isReplaying: true, path: null });
}

/** Light up a path in the drawing, or none where it is lit up already. */
function lightUp(path) {
  select({ path: selection.path === path ? null : path, isReplaying: false });
}

function lastPosition(run) {
  return run.stages.length + (run.end ? 1 : 0);
}

/** Give the state in which a run stands at a position: a number, or the name of an unknown one. */
function stateAt(run, position) {
  if (position === 0) return null;
  if (position > run.stages.length) return run.ends;
  return run.stages[position - 1].state;
}

/** Give the edges by which a run came to a position. */
function edgesTo(run, position) {
  if (position === 0) return [];
  return position > run.stages.length ? run.last : (run.stages[position - 1].by ?? []);
}
