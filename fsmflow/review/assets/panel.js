// The panel beside the drawing: a tab for the state, and with a run one for the stage and one for all stages.

const tabs = new Map();
let allStages = null;

function bindPanel() {
  const bar = element("div", { class: "tabs", role: "tablist", "aria-label": "Details", onkeydown: tabKey });
  byId("panel").append(bar);
  addTab(bar, "state", "State", statePanel);
  if (selection.run !== null) {
    addTab(bar, "stage", "Stage", stagePanel);
    allStages = stageList((position) => goTo(position));
    addTab(bar, "stages", "All stages", null).append(allStages.list);
    allStages.show(review.runs[selection.run]);
  }
  bar.hidden = tabs.size < 2;
  watch((now, changed) => {
    if ("state" in changed) showTab("state");
    else if ("position" in changed && !isShown("stages")) showTab("stage");
    if ("run" in changed && selection.run !== null) allStages.show(review.runs[now.run]);
    if ("position" in changed) allStages.point(now.position);
    if ("state" in changed || "run" in changed) refill("state", now);
    if ("position" in changed) refill("stage", now);
  });
  for (const name of tabs.keys()) refill(name, selection);
  showTab("state");
}

function addTab(bar, name, label, fill) {
  const body = element("div", {
    class: "body",
    role: "tabpanel",
    id: `panel-${name}`,
    "aria-labelledby": `tab-${name}`,
    tabindex: "-1",
  });
  const button = element(
    "button",
    {
      type: "button",
      role: "tab",
      id: `tab-${name}`,
      "aria-controls": `panel-${name}`,
      onclick: () => showTab(name),
    },
    label,
  );
  bar.append(button);
  byId("panel").append(body);
  tabs.set(name, { button, body, fill });
  return body;
}

function refill(name, now) {
  const tab = tabs.get(name);
  if (tab?.fill) tab.body.replaceChildren(...tab.fill(now).filter(Boolean));
}

function isShown(name) {
  return tabs.has(name) && !tabs.get(name).body.hidden;
}

function showTab(name) {
  for (const [other, { button, body }] of tabs) {
    button.setAttribute("aria-selected", String(other === name));
    button.tabIndex = other === name ? 0 : -1;
    body.hidden = other !== name;
  }
  if (name === "stages") allStages.point(selection.position);
}

function tabKey(event) {
  const names = [...tabs.keys()];
  const at = names.findIndex(isShown);
  const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: names.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  const name = names[(next + names.length) % names.length];
  showTab(name);
  tabs.get(name).button.focus();
}
