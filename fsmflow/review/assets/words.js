// Amounts of a replayed run in words. What is proved comes in words already.

const GLYPHS = { success: "●", degraded: "▲", handoff: "→", failed: "×", cancelled: "■" };
const TAGS = {
  llm: "LLM",
  tool: "TOOL",
  fn: "FN",
  human: "HUMAN",
  map: "MAP",
  parallel: "PARALLEL",
  call: "CALL",
  choose: "CHOOSE",
  wait: "WAIT",
  success: "END",
  degraded: "END",
  handoff: "END",
  failed: "END",
};

/** Write microseconds as a person would: `850 µs`, `1.25 s`, `3 min 5 s`. */
function duration(us) {
  if (us < 1000) return us ? `${us} µs` : "0 s";
  if (us < 999_500) return `${rounded(us / 1e3)} ms`; // no less is 1000 ms, rounded
  if (us < 5.995e7) return `${rounded(us / 1e6)} s`;
  const seconds = Math.round(us / 1e6);
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return [
    [hours, "h"],
    [minutes, "min"],
    [rest, "s"],
  ]
    .filter(([amount]) => amount)
    .map(([amount, unit]) => `${count(amount)} ${unit}`)
    .join(" ");
}

function rounded(amount) {
  return String(Number(amount.toPrecision(3)));
}

/** Write a whole number with its thousands apart. */
function count(number) {
  return number.toLocaleString("en-US");
}

/** Write how many there are of a thing. */
function counted(number, thing) {
  return `${count(number)} ${thing}${number === 1 ? "" : "s"}`;
}

/** Write micro-dollars. */
function money(microUsd) {
  return `$${(microUsd / 1e6).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 6 })}`;
}

/** Write a share from 0 to 1 as a percentage. */
function percent(share) {
  return share > 0 && share < 0.005 ? "<1 %" : `${Math.round(share * 100)} %`;
}

/** Write what a stage or a run used, as pairs of a name and an amount. */
function uses(use) {
  return [
    ["steps", use.steps, count],
    ["tool calls", use.tool_calls, count],
    ["tokens", use.tokens, count],
    ["money", use.micro_usd, money],
    ["time", use.time_us, duration],
  ]
    .filter(([, amount]) => amount)
    .map(([name, amount, write]) => [name, write(amount)]);
}
