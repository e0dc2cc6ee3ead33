// What changed since the base: the worst case before and after, and every change in words.

function showChange() {
  const { change } = review;
  if (change === null) return;
  open(
    "change",
    "Change",
    element("p", { class: "muted" }, "since ", said(change.base), ": ", change.headline),
    change.ending ? element("p", {}, `${sentence(change.ending)}.`) : null,
    change.unclear ? element("p", { class: "notice" }, change.unclear) : null,
    change.worst.length ? worstTable(change.worst) : null,
    findings("Policies newly broken", change.broken, "bad"),
    findings("Policies newly kept", change.kept, "good"),
    findings("Checks newly failing", change.failing.map(finding), "bad"),
    findings("Checks newly passing", change.passing.map(finding), "good"),
    findings("Runs in flight keep to the old version, and still need", change.needed, "fair"),
    change.groups.map(changeGroup),
    change.cosmetic.length
      ? element("p", { class: "muted" }, `Beside the meaning, ${change.cosmetic.join(" and ")} differ.`)
      : null,
  );
}

function finding({ severity, check, message }) {
  return `${severity}[${check}]  ${message}`;
}

function worstTable(worst) {
  const free = worst.some((metric) => metric.free);
  const headings = ["before", "after", "change", ...(free ? ["without the budget"] : [])];
  return scroller(
    "The worst case before and after",
    "scroll",
    element(
      "table",
      { class: "grid" },
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          element("th", { scope: "col" }, "at most"),
          headings.map((words) => element("th", { scope: "col" }, words)),
        ),
      ),
      element(
        "tbody",
        {},
        worst.map((metric) =>
          element(
            "tr",
            {},
            element("th", { scope: "row" }, metric.name),
            element("td", { class: "amount" }, metric.before),
            element("td", { class: "amount strong" }, metric.after),
            element("td", { class: "amount" }, delta(metric)),
            free ? element("td", { class: "amount muted" }, metric.free) : null,
          ),
        ),
      ),
    ),
  );
}

function findings(heading, entries, tone) {
  if (!entries.length) return null;
  return element(
    "div",
    { class: "findings" },
    element(
      "h3",
      {},
      element("span", { class: `sign ${tone}`, "aria-hidden": "true" }, TONES[tone]),
      heading,
    ),
    element(
      "ul",
      { class: "plain" },
      entries.map((entry) => element("li", {}, prose(entry))),
    ),
  );
}

function changeGroup(group) {
  const number = numbers.get(group.state);
  const title = said(group.title, "strong");
  return element(
    "div",
    { class: "group" },
    element(
      "p",
      {},
      sign(group),
      number === undefined ? title : link(title, () => visit(number)),
      group.note ? said(` ${group.note}`, "muted") : null,
    ),
    element(
      "ul",
      { class: "plain lines" },
      group.lines.map((line) =>
        element("li", {}, sign(line), line.what ? said(line.what, "what") : null, turned(line)),
      ),
    ),
  );
}

function sign({ sign: glyph, kind }) {
  return element("span", { class: `change-sign is-${kind}`, title: kind }, glyph);
}

function turned({ before, after, note }) {
  const parts = [];
  if (note) parts.push(note);
  if (before !== null) parts.push(element("del", {}, prose(before)));
  if (before !== null && after !== null) parts.push(" → ");
  if (after !== null) parts.push(element("ins", {}, prose(after)));
  return element("span", {}, ...parts);
}
