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
      // What is dictated, or comes from a key that is hit by chance, is no wish: WCAG 2.1.4.
      element(
        "label",
        {},
        element("input", { type: "checkbox", id: "signs", checked: true }),
        " Keys of one sign work anywhere on the page",
      ),
      element("button", { type: "button", onclick: () => dialog.close() }, "Close"),
    ),
  );
  byId("help").addEventListener("click", () => dialog.showModal());
  document.addEventListener("keydown", globalKey);
}

function globalKey(event) {
  const typing = event.target.closest?.("select, textarea, input:not([type=range], [type=checkbox])");
  if (typing || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key !== "Escape" && !byId("signs").checked) return;
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
