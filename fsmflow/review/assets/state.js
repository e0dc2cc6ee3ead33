// The panel of a state: its contract, its limits, its ways out, its code, and what it costs.

function statePanel(now) {
  if (now.state === null) {
    return [
      element("p", { class: "muted" }, "Choose a state to see its contract, its limits and its cost."),
      stateList(),
    ];
  }
  const state = review.states[now.state];
  const heading = element(
    "h2",
    {},
    tag(state.role),
    said(state.name),
    link("all states", () => select({ state: null }), { class: "link back" }),
  );
  return [
    heading,
    state.title ? element("p", { class: "muted" }, said(state.title)) : null,
    part(
      "Contract",
      state.contract.length ? rows(state.contract.map(([name, text]) => [name, code(text)])) : null,
    ),
    part("Limits", state.limits.length ? rows(state.limits) : null),
    part("Ways out", state.ways.length ? waysOut(state) : null),
    part("Share of the worst case", state.worst.length ? shares(state.worst) : null),
    inRun(now, state),
    part("Where", rows(state.places.map(([name, place]) => [name, code(place)]))),
  ];
}

/** List all states, as buttons that choose them. */
function stateList() {
  return element(
    "ul",
    { class: "states plain" },
    review.states.map((state, number) =>
      element(
        "li",
        {},
        element(
          "button",
          { type: "button", onclick: () => selectState(number) },
          tag(state.role),
          said(state.name, "strong"),
          said(state.title, "muted"),
        ),
      ),
    ),
  );
}

function part(heading, body) {
  return body === null ? null : element("section", {}, element("h3", {}, heading), body);
}

function waysOut(state) {
  return element(
    "ul",
    { class: "ways" },
    state.ways.map((way) =>
      element(
        "li",
        {},
        said(way.on, "on"),
        element("span", { class: "arrow", "aria-hidden": "true" }, "→"),
        link(said(nameOf(way.target)), () => selectState(way.target), {
          onpointerenter: () => hint(way.edge, true),
          onpointerleave: () => hint(way.edge, false),
        }),
        way.caps ? element("span", { class: "cap" }, way.caps) : null,
        element("span", { class: "muted line" }, `line ${way.line}`),
      ),
    ),
  );
}

/** Show which edge of the drawing is meant. */
function hint(edge, on) {
  drawnEdges.get(edge)?.classList.toggle("is-hinted", on);
}

function shares(worst) {
  return element(
    "table",
    { class: "shares" },
    element(
      "tbody",
      {},
      worst.map(({ name, amount, share }) =>
        element(
          "tr",
          {},
          element("th", { scope: "row" }, name),
          element("td", { class: "amount" }, amount),
          element("td", { class: "share" }, bar(share)),
          element("td", { class: "muted" }, percent(share)),
        ),
      ),
    ),
  );
}

/** What the state came to in the run that is looked at. */
function inRun(now, state) {
  if (now.run === null) return null;
  const table = review.steps[now.run];
  const row = table.rows.find((each) => each.state === state.name);
  const heading = review.runs.length > 1 ? `In ${visible(table.name)}` : "In the run";
  if (row === undefined) return part(heading, element("p", { class: "muted" }, "It never came here."));
  return part(heading, rows(table.columns.map((column, at) => [column, row.cells[at][1]])));
}
