// The run as a strip: a piece for each stage, as wide as it took, in the colour of its state.

const LEAST_PART = 0.25; // the part of the strip that is shared out evenly, so that no stage is lost to sight

/** Make the strip of a run around a slider; pointing at it calls `chosen` with a position. */
function timeline(slider, chosen) {
  const strip = element("canvas", { class: "strip", "aria-hidden": "true" });
  const cursor = element("span", { class: "cursor" });
  const holder = element("div", { class: "timeline" }, slider, strip, cursor);
  let edges = [0]; // where each stage ends, as a share of the strip
  let run = null;

  function measure() {
    const total = run.stages.reduce((sum, stage) => sum + timeOf(stage), 0);
    let end = 0;
    edges = [
      0,
      ...run.stages.map((stage) => {
        const share = total ? timeOf(stage) / total : 1 / run.stages.length;
        end += LEAST_PART / run.stages.length + (1 - LEAST_PART) * share;
        return end;
      }),
    ];
  }

  function draw() {
    const ratio = window.devicePixelRatio || 1;
    strip.width = Math.max(1, holder.clientWidth * ratio);
    strip.height = Math.max(1, holder.clientHeight * ratio);
    const pen = strip.getContext("2d");
    const colours = new Map();
    run?.stages.forEach((stage, at) => {
      const left = edges[at] * strip.width;
      const width = (edges[at + 1] - edges[at]) * strip.width;
      const gap = width > 4 * ratio ? ratio : 0;
      if (!colours.has(stage.state)) colours.set(stage.state, colourOf(stage.state));
      pen.globalAlpha = stage.kind === "pause" ? 0.3 : 1;
      pen.fillStyle = colours.get(stage.state);
      pen.fillRect(left, 0, Math.max(width - gap, 0.5), strip.height);
      pen.globalAlpha = 1;
      if (!isFailure(stage)) return;
      pen.fillStyle = paint("--failed");
      pen.fillRect(left, strip.height * 0.72, Math.max(width - gap, ratio), strip.height * 0.28);
    });
  }

  function pointed(event) {
    const share = (event.clientX - holder.getBoundingClientRect().left) / holder.clientWidth;
    if (event.buttons & 1) chosen(share < 0 ? 0 : firstPast(edges, share));
  }

  holder.addEventListener("pointerdown", (event) => {
    holder.setPointerCapture(event.pointerId);
    slider.focus({ preventScroll: true });
    pointed(event);
  });
  holder.addEventListener("pointermove", pointed);
  new ResizeObserver(draw).observe(holder);
  return {
    holder,
    show(shown) {
      run = shown;
      measure();
      draw();
    },
    redraw: draw,
    point(position) {
      const [from, to] = [edges[Math.min(position, edges.length) - 1] ?? 0, edges[position] ?? 1];
      cursor.style.left = `${100 * (position >= edges.length ? 1 : from)}%`;
      cursor.style.width = `${100 * (position === 0 || position >= edges.length ? 0 : to - from)}%`;
    },
  };
}

/** Give how long a stage took; what a person takes to answer is on no ledger, and would hide all else. */
function timeOf(stage) {
  return stage.kind === "question" ? 0 : stage.time;
}

/** Find the first of some rising numbers that is past `value`. */
function firstPast(rising, value) {
  let [low, high] = [0, rising.length - 1];
  while (low < high) {
    const half = (low + high) >> 1;
    if (rising[half] > value) high = half;
    else low = half + 1;
  }
  return low;
}

/** Give a state's colour: that of its kind, paler for each further state of it. */
function colourOf(state) {
  const role = roleOf(state);
  const kind = ["choose", "wait", "map", "parallel", "call"].includes(role) ? "control" : role;
  const alike = review.states.filter((each) => each.role === role).map((each) => each.name);
  const strength = [100, 62, 38, 80, 50][Math.max(0, alike.indexOf(nameOf(state))) % 5];
  return `color-mix(in srgb, ${paint(`--${kind}`)} ${strength}%, ${paint("--canvas")})`;
}

function paint(variable) {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
}
