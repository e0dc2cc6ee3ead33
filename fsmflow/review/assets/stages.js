// All stages of a run in a list. Only the rows in sight are there, so a long run is as quick as a short one.

const ROW = 30; // pixels

/** Make the list; a click on a row, or a key, calls `chosen` with a position. */
function stageList(chosen) {
  const rowsHolder = element("div", { class: "rows-holder", role: "presentation" });
  const list = element(
    "div",
    { class: "stage-list", role: "listbox", tabindex: "0", "aria-label": "Stages" },
    rowsHolder,
  );
  const inSight = new Map(); // the rows that are there, by position
  let run = null;
  let current = 0;
  let height = 0;

  function draw() {
    if (run === null || !height) return;
    const first = Math.max(1, Math.floor(list.scrollTop / ROW) - 4);
    const last = Math.min(run.stages.length, Math.ceil((list.scrollTop + height) / ROW) + 5);
    for (const [position, there] of inSight) {
      if (position >= first && position <= last) continue;
      there.remove();
      inSight.delete(position);
    }
    for (let position = first; position <= last; position++) {
      if (inSight.has(position)) continue;
      inSight.set(position, row(run.stages[position - 1], position));
      rowsHolder.append(inSight.get(position));
    }
    pointAtCurrent();
  }

  /** Say which row is the current one: none at the start, at the end, and while it is out of sight. */
  function pointAtCurrent() {
    if (inSight.has(current)) list.setAttribute("aria-activedescendant", `stage-${current}`);
    else list.removeAttribute("aria-activedescendant");
  }

  function row(stage, position) {
    const made = element(
      "div",
      {
        class: "stage-row",
        role: "option",
        id: `stage-${position}`,
        "aria-selected": String(position === current),
        "aria-setsize": run.stages.length,
        "aria-posinset": position,
        onclick: () => chosen(position),
      },
      element("span", { class: "number" }, count(position)),
      tag(roleOf(stage.state)),
      said(nameOf(stage.state), "what"),
      said(outcomeOf(stage), isFailure(stage) ? "bad" : "muted"),
      element("span", { class: "time" }, duration(stage.time)),
    );
    made.style.top = `${(position - 1) * ROW}px`;
    return made;
  }

  list.addEventListener("scroll", draw, { passive: true });
  list.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(height / ROW) - 1);
    const by = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page, Home: -Infinity, End: Infinity }[
      event.key
    ];
    if (by === undefined) return;
    event.preventDefault();
    chosen(Math.min(run.stages.length, Math.max(1, current + by)));
  });
  new ResizeObserver(() => {
    height = list.clientHeight;
    draw();
  }).observe(list);
  return {
    list,
    show(shown) {
      run = shown;
      rowsHolder.style.height = `${run.stages.length * ROW}px`;
      rowsHolder.replaceChildren();
      inSight.clear();
      draw();
    },
    point(position) {
      inSight.get(current)?.setAttribute("aria-selected", "false");
      current = position;
      inSight.get(current)?.setAttribute("aria-selected", "true");
      pointAtCurrent();
      const top = (position - 1) * ROW;
      const seen = list.scrollTop;
      if (top < seen) list.scrollTop = top;
      else if (top + ROW > seen + height) list.scrollTop = top + ROW - height;
      else draw();
    },
  };
}
