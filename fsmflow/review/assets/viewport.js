// The window on the drawing: it is moved and zoomed by wheel, drag, keys and buttons.

const MOST_ZOOM = 8;
const STEP = 1.25;
const MARGIN = 14;
const LEAST_LEGIBLE = 0.7; // pixels to a unit of the drawing
const frame = byId("frame");
let whole = null; // the drawing's own box
let view = null; // the part of it that is shown

function bindViewport() {
  if (canvas === null) return;
  const drawn = canvas.getBBox();
  whole = { x: drawn.x - MARGIN, y: drawn.y - MARGIN, width: drawn.width + 2 * MARGIN, height: drawn.height + 2 * MARGIN };
  start();
  new ResizeObserver(() => show(view)).observe(frame);
  frame.addEventListener("wheel", wheel, { passive: false });
  frame.addEventListener("keydown", viewportKey);
  frame.addEventListener("pointerdown", drag);
  byId("zoom-in").addEventListener("click", () => zoom(STEP));
  byId("zoom-out").addEventListener("click", () => zoom(1 / STEP));
  byId("zoom-fit").addEventListener("click", fit);
}

/** Show all of the drawing, or where it is too small to be read, its beginning. */
function start() {
  fit();
  const first = drawnStates.values().next().value;
  if (scaleNow() >= LEAST_LEGIBLE || first === undefined) return;
  zoom(LEAST_LEGIBLE / scaleNow());
  const at = middle(first);
  show({ ...view, x: at.x - view.width / 2, y: whole.y });
}

/** Show all of the drawing; of a tall one, its top, as wide as there is room. */
function fit() {
  const scale = Math.min(frame.clientWidth / whole.width, 1.6);
  const tall = whole.height * scale > frame.clientHeight * 2.2;
  const height = tall ? frame.clientHeight / scale : whole.height;
  show({ x: whole.x, y: whole.y, width: whole.width, height });
}

function show(part) {
  view = part;
  canvas.setAttribute("viewBox", [part.x, part.y, part.width, part.height].map((n) => n.toFixed(2)).join(" "));
}

/** How many pixels one unit of the drawing is wide. */
function scaleNow() {
  return Math.min(frame.clientWidth / view.width, frame.clientHeight / view.height);
}

/** Zoom by a factor about a point of the drawing, the middle unless said. */
function zoom(factor, at = { x: view.x + view.width / 2, y: view.y + view.height / 2 }) {
  const least = Math.max(frame.clientWidth / whole.width, frame.clientHeight / whole.height) * MOST_ZOOM;
  const by = Math.min(factor, least / scaleNow());
  const width = Math.min(view.width / by, whole.width * 2);
  const real = view.width / width;
  show({
    x: at.x - (at.x - view.x) / real, y: at.y - (at.y - view.y) / real,
    width, height: view.height / real,
  });
}

function move(x, y) {
  const within = (value, low, high) => Math.min(Math.max(value, low), high);
  show({
    ...view,
    x: within(view.x + x, whole.x - view.width * 0.8, whole.x + whole.width - view.width * 0.2),
    y: within(view.y + y, whole.y - view.height * 0.8, whole.y + whole.height - view.height * 0.2),
  });
}

function pointIn(event) {
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(canvas.getScreenCTM().inverse());
  return { x: point.x, y: point.y };
}

function wheel(event) {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  zoom(Math.exp(-event.deltaY / 300), pointIn(event));
}

function viewportKey(event) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const part = 0.12;
  const done = {
    "+": () => zoom(STEP), "=": () => zoom(STEP), "-": () => zoom(1 / STEP), 0: fit,
    ArrowLeft: () => move(-view.width * part, 0), ArrowRight: () => move(view.width * part, 0),
    ArrowUp: () => move(0, -view.height * part), ArrowDown: () => move(0, view.height * part),
  }[event.key];
  if (done === undefined) return;
  event.preventDefault();
  done();
}

function drag(event) {
  if (event.button !== 0) return;
  let before = event;
  const follow = (now) => {
    if (!frame.hasPointerCapture(event.pointerId)) {
      // A click that shakes a little is a click still.
      if (Math.hypot(now.clientX - event.clientX, now.clientY - event.clientY) < 4) return;
      frame.setPointerCapture(event.pointerId);
      frame.classList.add("is-moving");
    }
    const scale = scaleNow();
    move((before.clientX - now.clientX) / scale, (before.clientY - now.clientY) / scale);
    before = now;
  };
  const end = () => {
    frame.removeEventListener("pointermove", follow);
    frame.classList.remove("is-moving");
  };
  frame.addEventListener("pointermove", follow);
  for (const over of ["pointerup", "pointercancel"]) frame.addEventListener(over, end, { once: true });
}

/** Move the drawing until a state is seen. */
function reveal(group) {
  if (view === null || group.ownerSVGElement === null) return;
  const own = group.getBoundingClientRect();
  const room = frame.getBoundingClientRect();
  const beyond = (low, high, start, end) => (low < start ? low - start - 16 : high > end ? high - end + 16 : 0);
  const x = beyond(own.left, own.right, room.left, room.right);
  const y = beyond(own.top, own.bottom, room.top, room.bottom);
  if (x || y) move(x / scaleNow(), y / scaleNow());
}
