// The states by what they use, in a run or in the worst case; each column sorts.

const COUNTED = ["visits", "attempts", "failures"]; // of these no share is drawn

function showSteps() {
  if (!review.steps.length) return;
  const holder = scroller("What each state uses", "scroll");
  const choice = element(
    "select",
    { "aria-label": "Table of", onchange: () => showTable(holder, Number(choice.value)) },
    review.steps.map((table, number) => element("option", { value: number }, visible(table.name))),
  );
  open(
    "steps",
    "Steps",
    element("p", { class: "controls" }, element("span", { class: "muted" }, "in "), choice),
    holder,
  );
  showTable(holder, 0);
  watch((now, changed) => {
    if (!("run" in changed) || choice.value === String(now.run)) return;
    choice.value = String(now.run);
    showTable(holder, now.run);
  });
}

function showTable(holder, number) {
  const table = review.steps[number];
  const most = Math.max(
    0,
    ["time", "steps", "attempts"].map((name) => table.columns.indexOf(name)).find((at) => at >= 0) ?? 0,
  );
  sortBy(holder, table, most, "descending");
}

/** Write the table in the order of a column; -1 is that of the names. */
function sortBy(holder, table, column, order) {
  const down = order === "descending" ? -1 : 1;
  const key = (row) => (column < 0 ? row.state : row.cells[column][0]);
  const sorted = [...table.rows].sort((a, b) => (key(a) < key(b) ? -down : key(a) > key(b) ? down : 0));
  const totals = table.columns.map((_, at) => table.rows.reduce((sum, row) => sum + row.cells[at][0], 0));
  const head = ["state", ...table.columns].map((heading, at) => {
    const isNow = at - 1 === column;
    const next = isNow && order === "descending" ? "ascending" : "descending";
    return element(
      "th",
      { scope: "col", "aria-sort": isNow ? order : "none" },
      element(
        "button",
        {
          type: "button",
          "data-column": at - 1,
          onclick: () => {
            sortBy(holder, table, at - 1, next);
            holder.querySelector(`[data-column="${at - 1}"]`).focus();
          },
        },
        heading,
        element(
          "span",
          { class: "arrow", "aria-hidden": "true" },
          isNow ? (order === "descending" ? " ↓" : " ↑") : "",
        ),
      ),
    );
  });
  holder.replaceChildren(
    element(
      "table",
      { class: "grid steps" },
      element("thead", {}, element("tr", {}, head)),
      element(
        "tbody",
        {},
        sorted.map((row) => stepRow(row, table.columns, totals)),
      ),
    ),
  );
}

function stepRow(row, columns, totals) {
  const number = numbers.get(row.state);
  const name = [tag(roleOf(number ?? row.state)), said(row.state)];
  return element(
    "tr",
    {},
    element(
      "th",
      { scope: "row" },
      number === undefined ? name : link(element("span", {}, name), () => visit(number)),
    ),
    row.cells.map(([amount, words], at) =>
      element(
        "td",
        { class: "amount" },
        element("span", {}, amount ? words : "–"),
        totals[at] > 0 && !COUNTED.includes(columns[at]) ? bar(amount / totals[at]) : null,
      ),
    ),
  );
}
