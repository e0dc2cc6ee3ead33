// The values of a run as trees. Parts are made when they are opened, and long text is cut until asked for.

const SHOWN_TEXT = 600; // characters
const SHOWN_PARTS = 50;

/** Make a tree of the value of this number; `open` shows its first parts at once. */
function tree(number, open = true) {
  return element("div", { class: "tree" }, node(null, number, open));
}

function node(key, number, open) {
  const value = review.values[number];
  const label = key === null ? null : [said(key, "key"), element("span", { class: "colon" }, ": ")];
  const parts = partsOf(value);
  if (parts === null) return element("div", { class: "leaf" }, label, leaf(value));
  const [opening, closing] = value.list ? "[]" : "{}";
  const size = element(
    "span",
    { class: "size" },
    `${opening}${parts.length ? count(parts.length) : ""}${closing}`,
  );
  if (!parts.length) return element("div", { class: "leaf" }, label, size);
  const details = element("details", {}, element("summary", {}, label, size));
  details.addEventListener("toggle", () => fill(details, parts), { once: true });
  if (open) {
    fill(details, parts);
    details.open = true;
  }
  return details;
}

/** Give the parts of a list or a mapping, each with its key; null for anything else. */
function partsOf(value) {
  if (value === null || typeof value !== "object") return null;
  if (value.list) return value.list.map((number, at) => [String(at), number]);
  return value.map ?? null;
}

function fill(details, parts) {
  if (details.dataset.filled) return;
  details.dataset.filled = "yes";
  more(details, parts, 0);
}

/** Add the next parts, and a button for those that are left. */
function more(details, parts, from) {
  const to = Math.min(parts.length, from + SHOWN_PARTS);
  details.append(...parts.slice(from, to).map(([key, number]) => node(key, number, false)));
  if (to === parts.length) return;
  const button = link(
    `show ${count(Math.min(SHOWN_PARTS, parts.length - to))} more of ${count(parts.length)}`,
    () => {
      button.remove();
      more(details, parts, to);
    },
  );
  details.append(button);
}

function leaf(value) {
  if (typeof value === "string") return text(value);
  if (value !== null && typeof value === "object") return element("span", { class: "number" }, value.number);
  return element("span", { class: value === null ? "null" : typeof value }, String(value));
}

/** Make text that is cut if it is long. */
function text(value) {
  const holder = said(value.slice(0, SHOWN_TEXT).replace(/[\ud800-\udbff]$/, ""), "string");
  if (value.length <= SHOWN_TEXT) return holder;
  const whole = element("span", {}, holder, "… ");
  whole.append(
    link(`show all ${count(value.length)} characters`, () => whole.replaceWith(said(value, "string"))),
  );
  return whole;
}

/** Make a sentence of ours, in which names stand between backticks. */
function prose(sentence) {
  return sentence.split("`").map((words, at) => (at % 2 ? code(words) : said(words)));
}
