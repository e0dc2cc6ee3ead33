// Keys that work anywhere on the page, and the list of all keys.

const KEYS = [
  ["?", "show or hide this list"],
  ["t", "light or dark"],
  [",  .", "previous and next stage of the run", "run"],
  ["f", "jump to the failing step", "run"],
  ["Home  End", "start and end of the run, on the slider", "run"],
  ["+  −  0", "zoom in, out, fit, on the diagram"],
  ["← ↑ ↓ →", "move the diagram; on a state, go to the next one"],
  ["Enter", "choose a state"],
  ["Esc", "put out what is lit up in the diagram"],
];

function bindKeys() {
  const dialog = byId("keys");
  const listed = KEYS.filter(([, , needs]) => needs === undefined || selection.run !== null);
  dialog.append(
    element("h2", { id: "keys-heading" }, "Keys"),
    element(
      "dl",
      {},
      listed.map(([keys, words]) => [
        element(
          "dt",
          {},
          keys.split("  ").map((key) => element("kbd", {}, key)),
        ),
        element("dd", {}, words),
      ]),
    ),
    element(
      "form",
      { method: "dialog" },
      element("button", { type: "button", onclick: () => dialog.close() }, "Close"),
    ),
  );
  byId("help").addEventListener("click", () => dialog.showModal());
  document.addEventListener("keydown", globalKey);
}

function globalKey(event) {
  const typing = event.target.closest?.("select, textarea, input:not([type=range])");
  if (typing || event.altKey || event.ctrlKey || event.metaKey) return;
  const dialog = byId("keys");
  const done = {
    "?": () => (dialog.open ? dialog.close() : dialog.showModal()),
    t: toggleTheme,
    ",": () => goTo(selection.position - 1),
    ".": () => goTo(selection.position + 1),
    f: goToFailure,
    Escape: dialog.open ? undefined : () => select({ path: null, isReplaying: false }),
  }[event.key];
  if (done === undefined || (dialog.open && event.key !== "?")) return;
  event.preventDefault();
  done();
}
