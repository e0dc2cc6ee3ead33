// The window on the drawing: it is moved and zoomed by wheel, drag, keys and buttons.

const MOST_ZOOM = 8;
const STEP = 1.25;
const KEY_MOVES = 0.12; // how much of the window a key moves by
const MARGIN = 14;
const ABOVE = 32; // pixels over the drawing that are left to the buttons
const LEAST_LEGIBLE = 0.7; // pixels to a unit of the drawing
const LARGEST = 1.5; // the same, at first
const MOST_CUT = 2; // how much higher than the window a drawing may be at first, so that it can be read
const frame = byId("frame");
let whole = null; // the drawing's own box
let view = null; // the left and top of what is shown, in units of the drawing, and its scale
let isMoved = false; // whether a reader has chosen what is shown
let isOnPaper = false;

function bindViewport() {
  if (canvas === null) return;
  const drawn = canvas.getBBox();
  whole = {
    x: drawn.x - MARGIN,
    y: drawn.y - MARGIN,
    width: drawn.width + 2 * MARGIN,
    height: drawn.height + 2 * MARGIN,
  };
  new ResizeObserver(() => (isMoved ? show(view) : start())).observe(frame);
  frame.addEventListener("wheel", wheel, { passive: false });
  frame.addEventListener("keydown", viewportKey);
  frame.addEventListener("pointerdown", drag);
  byId("zoom-in").addEventListener("click", () => zoom(STEP));
  byId("zoom-out").addEventListener("click", () => zoom(1 / STEP));
  byId("zoom-fit").addEventListener("click", fit);
  window.addEventListener("beforeprint", () => print(true));
  window.addEventListener("afterprint", () => print(false));
  start();
}

/** Show all of the drawing, or where it would be too small to be read, its beginning. */
function start() {
  fit();
  const first = drawnStates.values().next().value;
  if (view.scale < LEAST_LEGIBLE && first !== undefined) showAt(LEAST_LEGIBLE, middle(first).x);
}

/** Show all of the drawing; of a tall one, its top, so that it can be read. */
function fit() {
  const [wide, high] = [frame.clientWidth / whole.width, (frame.clientHeight - ABOVE) / whole.height];
  isMoved = false;
  showAt(Math.min(wide, high * MOST_CUT, LARGEST), whole.x + whole.width / 2);
}

/** Show the top of the drawing at a scale, with `x` in the middle. */
function showAt(scale, x) {
  show({ x: x - frame.clientWidth / scale / 2, y: whole.y - ABOVE / scale, scale });
}

function show(chosen) {
  view = chosen;
  const size = [frame.clientWidth / view.scale, frame.clientHeight / view.scale];
  const box = isOnPaper ? [whole.x, whole.y, whole.width, whole.height] : [view.x, view.y, ...size];
  canvas.setAttribute("viewBox", box.map((n) => n.toFixed(2)).join(" "));
}

/** Show the whole drawing while the page is printed: nobody can move paper. */
function print(isSo) {
  isOnPaper = isSo;
  show(view);
}

/** Zoom by a factor about a point of the drawing, the middle unless said. */
function zoom(
  factor,
  at = { x: view.x + frame.clientWidth / view.scale / 2, y: view.y + frame.clientHeight / view.scale / 2 },
) {
  const least = Math.min(frame.clientWidth / whole.width, frame.clientHeight / whole.height) / 2;
  const scale = between(view.scale * factor, Math.min(least, view.scale), MOST_ZOOM);
  const real = scale / view.scale;
  isMoved = true;
  show({ x: at.x - (at.x - view.x) / real, y: at.y - (at.y - view.y) / real, scale });
}

/** Move by pixels, but never so far that nothing is left to see. */
function move(x, y) {
  const [wide, high] = [frame.clientWidth / view.scale, frame.clientHeight / view.scale];
  isMoved = true;
  show({
    x: between(view.x + x / view.scale, whole.x - wide * 0.8, whole.x + whole.width - wide * 0.2),
    y: between(view.y + y / view.scale, whole.y - high * 0.8, whole.y + whole.height - high * 0.2),
    scale: view.scale,
  });
}

function between(value, low, high) {
  return Math.min(Math.max(value, low), high);
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
  const [wide, high] = [frame.clientWidth * KEY_MOVES, frame.clientHeight * KEY_MOVES];
  const done = {
    "+": () => zoom(STEP),
    "=": () => zoom(STEP),
    "-": () => zoom(1 / STEP),
    0: fit,
    ArrowLeft: () => move(-wide, 0),
    ArrowRight: () => move(wide, 0),
    ArrowUp: () => move(0, -high),
    ArrowDown: () => move(0, high),
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
    move(before.clientX - now.clientX, before.clientY - now.clientY);
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
  const beyond = (low, high, start, end) =>
    low < start ? low - start - 16 : high > end ? high - end + 16 : 0;
  const x = beyond(own.left, own.right, room.left, room.right);
  const y = beyond(own.top, own.bottom, room.top, room.bottom);
  if (x || y) move(x, y);
}
