// The panel of a stage: what went in, what came out, what went wrong.

function stagePanel(now) {
  const run = review.runs[now.run];
  if (now.position === 0) return startPanel(run);
  return now.position > run.stages.length ? endPanel(run) : attemptPanel(run.stages[now.position - 1]);
}

function startPanel(run) {
  return [
    element("h2", {}, "Start"),
    part("Input", tree(run.given)),
    part(
      "Run",
      rows([
        ["id", code(run.run_id)],
        ["trace", code(run.trace_id)],
        ...(run.profile ? [["profile", code(run.profile)]] : []),
      ]),
    ),
  ];
}

function endPanel(run) {
  const error = run.error !== null && run.kind !== "success" ? part("Latest error", tree(run.error)) : null;
  return [
    element("h2", {}, tag(run.kind), said(run.end)),
    element("p", { class: "muted" }, `The run ended after ${duration(run.total)}.`),
    part("Output", tree(run.output)),
    error,
    part("Used in all", rows(uses(run.spent))),
  ];
}

function attemptPanel(stage) {
  const kind = stage.kind === "attempt" ? null : element("span", { class: "muted" }, stage.kind);
  return [
    element("h2", {}, tag(roleOf(stage.state)), stateLink(stage.state), kind),
    stage.error === undefined ? null : part("Error", scroller("Error", "error", tree(stage.error))),
    stage.where === undefined ? null : part("Raised at", code(stage.where)),
    stage.complaints ? part("Complaints", complaints(stage.complaints)) : null,
    rows(factsOf(stage)),
    stage.children ? part(`Runs (${count(stage.children.length)})`, runList(stage.children)) : null,
    stage.given === undefined ? null : part(stage.kind === "question" ? "Shown" : "Input", tree(stage.given)),
    stage.output === undefined ? null : part("Output", tree(stage.output)),
  ];
}

function stateLink(state) {
  const name = said(nameOf(state));
  if (typeof state !== "number") return name;
  return link(name, () => selectState(state));
}

function complaints(numbers) {
  return scroller(
    "Complaints",
    "error",
    element(
      "ul",
      { class: "plain" },
      numbers.map((number) => element("li", {}, tree(number))),
    ),
  );
}

const SHOWN_RUNS = 50;

/** List the runs of children that a stage started; a long list goes on when asked. */
function runList(runs) {
  const list = element("ul", { class: "runs" });
  function more(from) {
    const to = Math.min(runs.length, from + SHOWN_RUNS);
    list.append(...runs.slice(from, to).map(runRow));
    if (to === runs.length) return;
    const button = link(`show ${count(Math.min(SHOWN_RUNS, runs.length - to))} more`, () => {
      holder.remove();
      more(to);
    });
    const holder = element("li", {}, button);
    list.append(holder);
  }
  more(0);
  return list;
}

function runRow(run) {
  const used = uses(run.use).map(([name, amount]) =>
    name === "money" ? amount : `${amount} ${amount === "1" ? name.replace(/s$/, "") : name}`,
  );
  const failed = run.kind === "failed" || run.kind === "handoff";
  return element(
    "li",
    {},
    said(run.name, "key"),
    run.name === run.workflow ? null : said(run.workflow, "muted"),
    element("span", { class: `end ${failed ? "bad" : ""}` }, `${GLYPHS[run.kind] ?? "…"} `, said(run.end || "not over")),
    element("span", { class: "time" }, duration(run.time)),
    element("span", { class: "muted used" }, used.join(" · ")),
    run.why ? said(run.why, "bad why") : null,
  );
}

function factsOf(stage) {
  const outcome = stage.label ? [said(stage.label), ` (${stage.outcome})`] : outcomeOf(stage);
  return [
    ["outcome", element("span", { class: isFailure(stage) ? "bad" : null }, outcome)],
    ["visit", count(stage.visit)],
    ["attempt", count(stage.attempt)],
    ["began", `${duration(stage.start)} into the run`],
    ["took", duration(stage.time)],
    ...uses({ steps: stage.steps, ...stage.use }),
  ];
}

/** Say in a line where a run stands. */
function stageWords(run, position) {
  if (position === 0) return "start";
  if (position > run.stages.length) return `end: ${run.end}`;
  const stage = run.stages[position - 1];
  const again = stage.attempt > 1 ? `, attempt ${stage.attempt}` : "";
  return `${position}. ${nameOf(stage.state)}${again}: ${outcomeOf(stage)}`;
}
