// Building elements. Text reaches the page as text nodes alone: there is no way here to write markup.

/** Make an element. Attributes that are null, undefined or false are left out; `on…` are listeners. */
function element(name, attributes = {}, ...children) {
  return furnished(document.createElement(name), attributes, children);
}

/** Make an element of SVG. */
function shape(name, attributes = {}, ...children) {
  return furnished(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function furnished(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

/** Find an element by its id. */
function byId(id) {
  return document.getElementById(id);
}

/** Make text of a spec or a trace, which may run in either direction. */
function said(text, className) {
  return element("bdi", { class: className }, visible(text));
}

/** Show the control characters of a text, and those that turn its direction, by their codes. */
function visible(text) {
  return text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Make words of code. */
function code(words) {
  return element("code", { dir: "auto" }, visible(words));
}

/** Make a part that scrolls where it has no room: by keys too, so it has a name and a stop for Tab. */
function scroller(label, className, ...children) {
  return element("div", { class: className, role: "region", tabindex: "0", "aria-label": label }, ...children);
}

/** Make a button that looks like text. */
function link(label, onclick, attributes = {}) {
  return element("button", { type: "button", class: "link", onclick, ...attributes }, label);
}

/** Make a list of names, each with what is said of it; a name that comes twice is written once. */
function rows(pairs) {
  const list = element("dl", { class: "rows" });
  let before = null;
  for (const [name, value] of pairs) {
    list.append(element("dt", {}, name === before ? "" : name), element("dd", {}, value));
    before = name;
  }
  return list;
}

/** Make a bar whose filled part is a share from 0 to 1. */
function bar(share) {
  const filled = element("span", { class: "filled" });
  filled.style.width = `${Math.min(100, Math.max(0, share * 100))}%`;
  return element("span", { class: "bar", "aria-hidden": "true" }, filled);
}
