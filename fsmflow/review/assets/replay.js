// The replay of a run: a slider over its stages, drawn as the strip of its time, and buttons to step through it.

let strip = null;

function bindReplay() {
  if (selection.run === null) return;
  const holder = byId("replay");
  holder.hidden = false;
  const slider = element("input", {
    type: "range", id: "position", min: 0, step: 1, "aria-label": "Stage",
    oninput: (event) => goTo(Number(event.target.value)),
  });
  strip = timeline(slider, (position) => goTo(position));
  const where = element("output", { id: "where", for: "position" });
  const step = (label, key, by) => element("button", {
    type: "button", title: `${label} (${key})`, "aria-label": label, onclick: () => goTo(selection.position + by),
  }, by < 0 ? "◀" : "▶");
  const note = element("p", { class: "notice" });
  const failing = element("button", { type: "button", id: "failing", title: "f", onclick: goToFailure }, "Jump to failing step");
  holder.append(
    element("div", { class: "controls" }, runChoice(), step("Previous stage", ",", -1), step("Next stage", ".", 1), where, failing),
    note, strip.holder);
  watch((now, changed) => {
    if ("run" in changed || "position" in changed) showReplay(now, slider, where, failing, note);
  });
  showReplay(selection, slider, where, failing, note);
}

let shownRun = null;

function showReplay(now, slider, where, failing, note) {
  const run = review.runs[now.run];
  if (shownRun !== run) {
    shownRun = run;
    slider.max = lastPosition(run);
    strip.show(run);
    failing.hidden = run.failing === null;
    note.textContent = run.note;
    note.hidden = !run.note;
  }
  slider.value = now.position;
  const words = stageWords(run, now.position);
  slider.setAttribute("aria-valuetext", words);
  where.replaceChildren(said(words), element("span", { class: "muted" }, outOf(run, now.position)));
  strip.point(now.position);
  const group = drawnStates.get(stateAt(run, now.position));
  if (now.isReplaying && group !== undefined) reveal(group);
}

function outOf(run, position) {
  const stages = count(run.stages.length);
  return position > 0 && position <= run.stages.length ? ` of ${stages}` : ` · ${stages} stages`;
}

/** Let one of several runs be chosen. */
function runChoice() {
  if (review.runs.length < 2) return null;
  return element("select", { id: "run", "aria-label": "Run", onchange: (event) => goTo(0, Number(event.target.value)) },
    review.runs.map((run, number) => element("option", { value: number }, `${run.name} · ${run.end || "not over"}`)));
}

function goToFailure() {
  const run = review.runs[selection.run];
  if (run?.failing !== null && run !== undefined) goTo(run.failing);
}
