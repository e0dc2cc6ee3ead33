// What the checks say.

const SEVERITIES = { error: "bad", warning: "fair", note: "good" };

function showChecks() {
  if (!review.checks.length) return;
  open(
    "checks",
    "Checks",
    element(
      "ul",
      { class: "plain checks" },
      review.checks.map((found) => {
        const number = numbers.get(found.state);
        return element(
          "li",
          {},
          element(
            "p",
            {},
            element("span", { class: `verdict ${SEVERITIES[found.severity]}` }, found.severity),
            code(found.check),
            " ",
            prose(found.message),
          ),
          element(
            "p",
            { class: "muted" },
            code(found.place),
            number === undefined ? null : [" ", link(said(found.state), () => visit(number))],
            found.hint ? [" ", prose(found.hint)].flat() : null,
          ),
        );
      }),
    ),
  );
}
