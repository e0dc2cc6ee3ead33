// The first half minute: does it end, what does it cost at worst, what changed.

const MOST_RUNS = 3;
const TONES = { good: "●", fair: "▲", bad: "×" };

function showOverview() {
  const { overview, change } = review;
  byId("title").append(said(overview.title));
  const digest = byId("digest");
  digest.textContent = overview.digest.slice(0, 12);
  digest.title = `digest ${overview.digest}`;
  byId("overview").append(
    verdictCard(overview),
    worstCard(overview),
    change === null ? restCard(overview) : changeCard(change),
  );
}

function card(heading, ...children) {
  return element("div", { class: "card" }, element("h2", {}, heading), ...children);
}

function verdictCard({ verdict, policies }) {
  const sign = element("span", { class: `sign ${verdict.tone}`, "aria-hidden": "true" }, TONES[verdict.tone]);
  return card(
    "Does it end?",
    element("p", { class: "headline" }, sign, verdict.short),
    element("p", { class: "muted" }, verdict.text),
    verdict.cycle.length ? rows(verdict.cycle.map(([when, run]) => [when, said(run, "run")])) : null,
    standing(policies),
  );
}

/** Say in a line how the policies and the checks stand. */
function standing({ kept, broken, unknown }) {
  const errors = review.checks.filter((found) => found.severity === "error").length;
  const warnings = review.checks.filter((found) => found.severity === "warning").length;
  const parts = [
    [broken, "bad", broken === 1 ? "policy broken" : "policies broken"],
    [unknown, "fair", unknown === 1 ? "policy unknown" : "policies unknown"],
    [kept, "good", kept === 1 ? "policy kept" : "policies kept"],
    [errors, "bad", errors === 1 ? "error" : "errors"],
    [warnings, "fair", warnings === 1 ? "warning" : "warnings"],
  ].filter(([number]) => number);
  if (!review.checks.length) parts.push(["", "good", "checks clean"]);
  return element(
    "p",
    { class: "standing" },
    parts.map(([number, tone, words]) =>
      element(
        "span",
        {},
        element("span", { class: `sign ${tone}`, "aria-hidden": "true" }, TONES[tone]),
        `${number} ${words}`.trim(),
      ),
    ),
  );
}

function worstCard({ metrics }) {
  if (!metrics.length)
    return card("Worst case", element("p", { class: "muted" }, "Nothing is proved of it."));
  const changes = new Map((review.change?.worst ?? []).map((worst) => [worst.name, worst]));
  const table = element(
    "table",
    { class: "worst" },
    element(
      "tbody",
      {},
      metrics.map((metric) => {
        return element(
          "tr",
          {},
          element("th", { scope: "row" }, metric.name),
          element("td", { class: "amount" }, metric.most),
          element("td", { class: "of" }, metric.budget ? `of ${metric.budget}` : "no budget"),
          element("td", { class: "share" }, metric.share === null ? null : bar(metric.share)),
          element("td", { class: "muted known" }, known(metric)),
          changes.size ? element("td", { class: "change" }, delta(changes.get(metric.name))) : null,
        );
      }),
    ),
  );
  return card("Worst case, against the budget", table);
}

function known(metric) {
  if (metric.endless.length) return "no timeout";
  if (metric.known !== "exact") return metric.known;
  return metric.headroom && metric.headroom !== "none" ? `exact, ${metric.headroom} left` : "exact";
}

function delta(worst) {
  if (worst !== undefined && !worst.before) return null;
  if (worst === undefined || !worst.differs) return element("span", { class: "muted" }, "same");
  return element("span", { class: worst.rises ? "worse" : "better" }, worst.change);
}

function changeCard(change) {
  const rises = change.worst.some((worst) => worst.rises) || change.broken.length || change.failing.length;
  const tone = !change.is_told ? "good" : rises ? "fair" : "good";
  const [short, ...rest] = change.headline.split("; ");
  const alarms = [
    [change.broken.length, "policy newly broken", "policies newly broken"],
    [change.failing.length, "check newly failing", "checks newly failing"],
    [change.needed.length, "thing that runs in flight still need", "things that runs in flight still need"],
  ].filter(([number]) => number);
  return card(
    "What changed?",
    element(
      "p",
      { class: "headline" },
      element("span", { class: `sign ${tone}`, "aria-hidden": "true" }, change.is_told ? "Δ" : "●"),
      change.is_told ? sentence(short) : "Nothing in meaning",
    ),
    rest.length ? element("p", {}, `${sentence(rest.join("; "))}.`) : null,
    element("p", { class: "muted" }, "since ", said(change.base)),
    alarms.map(([number, one, many]) =>
      element("p", { class: "alarm" }, `${number} ${number === 1 ? one : many}`),
    ),
    change.is_told ? element("p", {}, element("a", { href: "#change" }, "See every change")) : null,
  );
}

/** Without a base, say what else a reviewer may want to know. */
function restCard({ path }) {
  const ends = review.states.filter((state) => state.role in GLYPHS);
  const more = review.runs.length - MOST_RUNS;
  return card(
    "At a glance",
    rows([
      ["spec", said(path)],
      ["states", `${counted(review.states.length - ends.length, "step")}, ${counted(ends.length, "end")}`],
      ...review.runs.slice(0, MOST_RUNS).map((run) => ["run", runWords(run)]),
      ...(more > 0 ? [["run", `and ${count(more)} more`]] : []),
    ]),
  );
}

function runWords(run) {
  const how = run.end ? [tag(run.kind), ` ${run.end}`] : ["not over"];
  const took = duration(run.total).replaceAll(" ", "\u00a0"); // an amount and its unit stay together
  return element("span", {}, ...how, ` · ${counted(run.stages.length, "stage")} · ${took}`);
}

function sentence(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
