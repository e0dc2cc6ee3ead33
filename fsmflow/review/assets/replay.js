// The replay of a run: a slider over its stages, drawn as the strip of its time, and buttons for each step.

let strip = null;

function bindReplay() {
  if (selection.run === null) return;
  const slider = element("input", {
    type: "range",
    id: "position",
    min: 0,
    step: 1,
    "aria-label": "Stage",
    oninput: (event) => goTo(Number(event.target.value)),
  });
  strip = timeline(slider, (position) => goTo(position));
  const where = element("output", { id: "where", for: "position" });
  const failing = element("button", { type: "button", id: "failing", title: "f", onclick: goToFailure });
  const note = element("p", { class: "notice" });
  const controls = [runChoice(), stepButton("Previous stage", ",", -1), stepButton("Next stage", ".", 1)];
  byId("replay").hidden = false;
  byId("replay").append(element("div", { class: "controls" }, controls, where, failing), note, strip.holder);

  function showRun(run) {
    slider.max = lastPosition(run);
    strip.show(run);
    failing.textContent = run.kind === "success" ? "Jump to last failure" : "Jump to failing step";
    failing.hidden = run.failing === null;
    note.textContent = run.note;
    note.hidden = !run.note;
  }

  function showPosition(run, position) {
    const words = stageWords(run, position);
    slider.value = position;
    slider.setAttribute("aria-valuetext", words);
    where.replaceChildren(said(words), element("span", { class: "muted" }, outOf(run, position)));
    strip.point(position);
  }

  watch((now, changed) => {
    const run = review.runs[now.run];
    if ("run" in changed) showRun(run);
    if ("run" in changed || "position" in changed) showPosition(run, now.position);
    const group = drawnStates.get(stateAt(run, now.position));
    if ("position" in changed && group !== undefined) reveal(group);
  });
  showRun(review.runs[selection.run]);
  showPosition(review.runs[selection.run], selection.position);
}

function stepButton(label, key, by) {
  return element(
    "button",
    {
      type: "button",
      title: `${label} (${key})`,
      "aria-label": label,
      onclick: () => goTo(selection.position + by),
    },
    by < 0 ? "◀" : "▶",
  );
}

function outOf(run, position) {
  const stages = run.stages.length;
  return position > 0 && position <= stages ? ` of ${count(stages)}` : ` · ${counted(stages, "stage")}`;
}

/** Let one of several runs be chosen. */
function runChoice() {
  if (review.runs.length < 2) return null;
  return element(
    "select",
    { id: "run", "aria-label": "Run", onchange: (event) => goTo(0, Number(event.target.value)) },
    review.runs.map((run, number) =>
      element("option", { value: number }, visible(`${run.name} · ${run.end || "not over"}`)),
    ),
  );
}

function goToFailure() {
  const run = review.runs[selection.run];
  if (run?.failing !== null && run !== undefined) goTo(run.failing);
}
