// The drawing: its states can be reached, chosen and lit up; its edges say why they are taken.

const canvas = byId("drawing"); // null where nothing could draw
const drawnStates = new Map();
const drawnEdges = new Map();

function bindDrawing() {
  if (canvas === null) return listStates();
  review.states.forEach((_, number) => {
    const group = byId(`state_${number}`);
    if (group !== null) bindState(group, number);
  });
  review.edges.forEach((edge, number) => bindEdge(byId(`way_${number}`), number, edgeWords(edge)));
  bindEdge(byId("way_start"), START, "the start");
  bindEdge(byId("way_budget"), BUDGET, "any step: the budget is used up");
  for (const { state, sign, kind } of review.change?.groups ?? [])
    mark(drawnStates.get(numbers.get(state)), sign, kind);
  for (const [number, group] of drawnStates)
    group.setAttribute("aria-label", called(group, review.states[number].title));
  drawnStates.values().next().value?.setAttribute("tabindex", "0");
}

function bindState(group, number) {
  const box = group.getBBox();
  group.prepend(
    shape("rect", {
      class: "halo",
      x: box.x - 5,
      y: box.y - 5,
      width: box.width + 10,
      height: box.height + 10,
      rx: 10,
    }),
  );
  for (const [key, value] of Object.entries({ role: "button", tabindex: "-1" })) {
    group.setAttribute(key, value);
  }
  group.addEventListener("click", () => selectState(number));
  group.addEventListener("keydown", (event) => walk(event, number));
  group.addEventListener("focus", () => reveal(group));
  drawnStates.set(number, group);
}

/** Call a state by all that is seen of it, so that it can be called so aloud, and by its title. */
function called(group, title) {
  const seen = [...group.querySelectorAll("text")].map((each) => each.textContent).join(" ");
  return seen.includes(title.replace(/\.$/, "")) ? seen : `${seen}. ${title}`;
}

function edgeWords(edge) {
  return `${nameOf(edge.source)} → ${nameOf(edge.target)}${edge.why ? `: ${edge.why}` : ""}`;
}

function bindEdge(group, number, words) {
  if (group === null) return;
  for (const path of group.querySelectorAll("path")) {
    group.append(shape("path", { class: "reach", d: path.getAttribute("d") }));
  }
  group.addEventListener("pointerenter", () => {
    byId("caption").textContent = words;
  });
  group.addEventListener("pointerleave", () => {
    byId("caption").textContent = "";
  });
  drawnEdges.set(number, group);
}

/** Go from state to state as they stand on the page. */
function walk(event, number) {
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    selectState(number);
    return;
  }
  const [x, y] =
    { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
  if (x === undefined || event.shiftKey || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  event.stopPropagation();
  const next = nearest(number, x, y);
  if (next === null) return;
  drawnStates.get(number).setAttribute("tabindex", "-1");
  drawnStates.get(next).setAttribute("tabindex", "0");
  drawnStates.get(next).focus();
}

/** Find the nearest state in a direction; what stands aside of it counts double. */
function nearest(number, x, y) {
  const from = middle(drawnStates.get(number));
  let best = null;
  let least = Infinity;
  for (const [other, group] of drawnStates) {
    const to = middle(group);
    const ahead = (to.x - from.x) * x + (to.y - from.y) * y;
    const aside = Math.abs((to.x - from.x) * y) + Math.abs((to.y - from.y) * x);
    if (ahead > 1 && ahead + 2 * aside < least) [best, least] = [other, ahead + 2 * aside];
  }
  return best;
}

function middle(group) {
  const halo = group.firstElementChild;
  const [left, top, width, height] = ["x", "y", "width", "height"].map((key) =>
    Number(halo.getAttribute(key)),
  );
  return { x: left + width / 2, y: top + height / 2 };
}

/** Show in the drawing what is selected: a state, a path, or how far a run has come. */
function lightDrawing(now) {
  const lit = now.isReplaying ? litByRun(review.runs[now.run], now.position) : litByPath(now.path);
  canvas?.classList.toggle("is-lit", lit !== null);
  for (const [number, group] of drawnStates) {
    const times = lit?.states.get(number) ?? 0;
    group.classList.toggle("is-selected", number === now.state);
    group.classList.toggle("is-on", times > 0);
    group.classList.toggle("is-current", lit?.current === number);
    group.classList.toggle("is-failing", lit?.current === number && lit.fails);
    group.setAttribute("aria-pressed", String(number === now.state));
    badge(group, times > 1 ? `×${count(times)}` : "");
  }
  for (const [number, group] of drawnEdges) {
    group.classList.toggle("is-on", number === START || (lit?.edges.get(number) ?? 0) > 0);
    group.classList.toggle("is-current", lit?.by.includes(number) ?? false);
  }
}

function litByPath(path) {
  if (path === null) return null;
  return { states: new Map(path.states), edges: new Map(path.edges), current: null, by: [], fails: false };
}

function litByRun(run, position) {
  const states = new Map();
  const edges = new Map();
  const add = (counts, key) => counts.set(key, (counts.get(key) ?? 0) + 1);
  for (let at = 1; at <= position; at++) {
    const stage = run.stages[at - 1];
    if (stage === undefined) add(states, run.ends);
    else if (stage.kind !== "pause" && stage.attempt === 1) add(states, stage.state);
    for (const edge of edgesTo(run, at)) {
      add(edges, edge);
      // A choice takes no time, and so is no stage: it is passed on the way.
      const target = review.edges[edge]?.target;
      if (target !== undefined && roleOf(target) === "choose") add(states, target);
    }
  }
  const stage = run.stages[position - 1];
  return {
    states,
    edges,
    current: stateAt(run, position),
    by: edgesTo(run, position),
    fails: stage !== undefined && isFailure(stage),
  };
}

/** Write a few characters at a state's upper right corner, or take them away. */
function badge(group, words) {
  const old = group.querySelector(".badge");
  if ((old?.textContent ?? "") === words) return;
  old?.remove();
  if (!words || group.firstElementChild.tagName !== "rect") return;
  const halo = group.firstElementChild;
  const right = Number(halo.getAttribute("x")) + Number(halo.getAttribute("width"));
  const top = Number(halo.getAttribute("y")) + 3;
  const width = 10 + 6 * words.length;
  group.append(
    shape(
      "g",
      { class: "badge", transform: `translate(${right} ${top})` },
      shape("rect", { x: -width / 2, y: -9, width, height: 18, rx: 9 }),
      shape("text", { y: 3.5, "text-anchor": "middle" }, words),
    ),
  );
}

/** Mark a state that has changed since the base, at its upper left corner. */
function mark(group, sign, kind) {
  if (group === undefined) return;
  const [x, y] = ["x", "y"].map((key) => Number(group.firstElementChild.getAttribute(key)) + 5);
  group.append(
    shape(
      "g",
      { class: `mark is-${kind}`, transform: `translate(${x} ${y})` },
      shape("rect", { x: -9, y: -9, width: 18, height: 18, rx: 9 }),
      shape("text", { y: 4, "text-anchor": "middle" }, sign),
    ),
  );
}

/** Without a drawing, list the states in its place. */
function listStates() {
  const list = stateList();
  list.querySelectorAll("button").forEach((button, number) => drawnStates.set(number, button));
  byId("zoom").hidden = true;
  byId("frame").append(list);
}

/** Make the word that tells what kind of step or end a state is. */
function tag(role) {
  return element("span", { class: `tag ${role}` }, GLYPHS[role] ?? TAGS[role]);
}
