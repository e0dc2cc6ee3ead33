// The proof: the worst runs with their arithmetic, the budget, the dearest caps, the policies.

function showProof() {
  const { proof, overview } = review;
  if (proof === null) return;
  open(
    "proof",
    "Proof",
    overview.metrics.length ? boundsTable(overview.metrics) : null,
    proof.stops.length ? element("p", { class: "muted" }, proof.stops.join(" ")) : null,
    proof.worst.length ? element("h3", {}, "How the worst case comes about") : null,
    proof.worst.map((worst) =>
      pathCard(
        said(worst.heading, "strong"),
        worst.run,
        worst.path,
        rows(worst.sums.map(([name, sum]) => [name, said(sum)])),
      ),
    ),
    proof.prices.length ? element("h3", {}, "What one more turn would add, without the budget") : null,
    proof.prices.length
      ? element(
          "ul",
          { class: "plain" },
          proof.prices.map(({ turn, adds, path }) =>
            element("li", {}, shower(path), said(turn), " ", element("strong", {}, adds)),
          ),
        )
      : null,
    proof.policies.length ? element("h3", {}, "Policies") : null,
    proof.policies.map(policyRow),
  );
}

/** Show a section, if there is anything in it, and name it among the sections at the top. */
function open(id, heading, ...children) {
  const told = children.flat().filter(Boolean);
  if (!told.length) return;
  const section = byId(id);
  section.hidden = false;
  section.append(element("h2", { id: `${id}-heading` }, heading), ...told);
  byId("sections").append(element("a", { href: `#${id}` }, heading));
}

function boundsTable(metrics) {
  const columns = [
    ["at most", "most"],
    ["", "known"],
    ["budget", "budget"],
    ["headroom", "headroom"],
    ["without the budget", "free"],
  ].filter(([, key]) => metrics.some((metric) => metric[key]));
  return scroller(
    "What a run uses at most",
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
          element("td", {}),
          columns.map(([heading]) => (heading ? element("th", { scope: "col" }, heading) : element("td"))),
        ),
      ),
      element(
        "tbody",
        {},
        metrics.map((metric) =>
          element(
            "tr",
            {},
            element("th", { scope: "row" }, metric.name),
            columns.map(([, key]) =>
              element("td", { class: key === "known" ? "muted" : "amount" }, metric[key]),
            ),
          ),
        ),
      ),
    ),
  );
}

function pathCard(heading, run, path, ...rest) {
  return element(
    "div",
    { class: "path" },
    element("p", {}, shower(path), heading),
    element("p", { class: "run" }, said(run)),
    ...rest,
  );
}

/** Make the button that lights a path up in the drawing. */
function shower(path) {
  const button = element(
    "button",
    {
      type: "button",
      class: "shower",
      "aria-pressed": "false",
      onclick: () => {
        lightUp(path);
        if (selection.path === path) byId("workbench").scrollIntoView();
      },
    },
    "show",
  );
  watch((now) => button.setAttribute("aria-pressed", String(now.path === path)));
  return button;
}

function policyRow(policy) {
  const tone = { kept: "good", broken: "bad", unknown: "fair" }[policy.verdict];
  const verdict = element("span", { class: `verdict ${tone}` }, `${TONES[tone]} ${policy.verdict}`);
  const words = [verdict, prose(policy.policy)];
  if (!policy.run) return element("p", { class: "policy" }, words.flat());
  return pathCard(
    element("span", {}, words.flat()),
    policy.run,
    policy.path,
    policy.why ? element("p", { class: "muted" }, said(policy.why)) : null,
  );
}
