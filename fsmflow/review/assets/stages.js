// All stages of a run in a list. Only the rows in sight are there, so a long run is as quick as a short one.

const ROW = 30; // pixels

/** Make the list; a click on a row, or a key, calls `chosen` with a position. */
function stageList(chosen) {
  const rowsHolder = element("div", { class: "rows-holder", role: "presentation" });
  const list = element("div", { class: "stage-list", role: "listbox", tabindex: "0", "aria-label": "Stages" }, rowsHolder);
  let run = null;
  let current = 0;

  function draw() {
    if (run === null || !list.clientHeight) return;
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 5);
    const last = Math.min(run.stages.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + 5);
    rowsHolder.replaceChildren(...run.stages.slice(first, last).map((stage, at) => row(stage, first + at + 1)));
    list.setAttribute("aria-activedescendant", `stage-${current}`);
  }

  function row(stage, position) {
    const outcome = stage.kind === "attempt" ? stage.label ?? stage.outcome : stage.kind;
    const made = element("div", {
      class: "stage-row", role: "option", id: `stage-${position}`, "aria-selected": String(position === current),
      "aria-setsize": run.stages.length, "aria-posinset": position, onclick: () => chosen(position),
    },
    element("span", { class: "number" }, count(position)), tag(roleOf(stage.state)), said(nameOf(stage.state), "what"),
    said(outcome, isFailure(stage) ? "bad" : "muted"), element("span", { class: "time" }, duration(stage.time)));
    made.style.top = `${(position - 1) * ROW}px`;
    return made;
  }

  list.addEventListener("scroll", draw, { passive: true });
  list.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(list.clientHeight / ROW) - 1);
    const by = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    chosen(Math.min(run.stages.length, Math.max(1, current + by)));
  });
  new ResizeObserver(draw).observe(list);
  return {
    list,
    show(shown) {
      run = shown;
      rowsHolder.style.height = `${run.stages.length * ROW}px`;
      draw();
    },
    point(position) {
      current = position;
      const top = (position - 1) * ROW;
      if (top < list.scrollTop) list.scrollTop = top;
      else if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
      draw();
    },
  };
}
