"use strict";
// Building the page, and how numbers are written. Text from runs only ever becomes text nodes: see element().

/** An element. Attributes that are functions are listeners, `false` and `null` leave one out; children become text. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  put(made, children);
  return made;
}

/** Puts elements and text into a place; `append` alone would write "null" where there is nothing to put. */
function put(place, ...children) {
  place.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
}

const WORDS = {
  value: "value",
  combined: "combined",
  logprob: "log-prob",
  normalized: "log-prob / length",
  goals: "fewest goals",
  length: "shortest text",
  logprob_goals: "log-prob − goals",
  random: "chance",
  value_over_random: "value over chance",
  value_over_logprob: "value over {best}",
  value_over_logprob_goals: "value over log-prob − goals",
  combined_over_logprob: "combined over {best}",
  combined_over_logprob_goals: "combined over log-prob − goals",
  expansions: "expansions",
  nodes: "states",
  model_calls: "model calls",
  seconds: "seconds",
  processor_seconds: "processor seconds",
  tokens: "tokens",
  accept: "verification",
  generate: "generator",
  step: "prover",
  score: "scorer",
  engine: "search itself",
};

const WORDS_OF_TIME = { seconds: "time", processor_seconds: "processor time" };

/** Costs in the order of their buttons. */
const COSTS = [
  ["expansions", "Expansions"],
  ["seconds", "Time"],
  ["nodes", "States"],
  ["model_calls", "Model calls"],
  ["processor_seconds", "Processor time"],
  ["tokens", "Tokens"],
];

/** Whether a cost is a time. */
const timed = (cost) => cost in WORDS_OF_TIME;

/** The costs that some run counts; the usual ones always. */
function costsOf(runs) {
  return COSTS.filter(([cost], at) => at < 4 || runs.some((run) => run.proof_costs[cost].proofs > 0));
}

const count = d3.format(",");
const MISSING = "–";

function percent(part, digits = 1) {
  return part == null ? MISSING : `${hundredths(part, digits)} %`;
}

/** A part in hundredths; what is neither all nor nothing is never rounded to 100 or 0. */
function hundredths(part, digits = 1) {
  let text = (100 * part).toFixed(digits);
  while (part > 0 && part < 1 && [0, 100].includes(+text) && digits < 15) text = (100 * part).toFixed(++digits);
  return text;
}

function decimal(value, digits = 3) {
  return value == null ? MISSING : minus(value.toFixed(digits));
}

function minus(text) {
  return text.replace("-", "−");
}

/** A part with its interval, in percent: "82.5 % (68.1–91.3)". */
function partOf(value, low, high) {
  if (value == null) return MISSING;
  return low == null ? percent(value) : `${percent(value)} (${hundredths(low)}–${hundredths(high)})`;
}

/** An estimate with its interval: "0.510 (0.48 to 0.53)". */
function spread(estimate, digits = 3) {
  if (estimate.low == null) return decimal(estimate.value, digits);
  return `${decimal(estimate.value, digits)} (${decimal(estimate.low, 2)} to ${decimal(estimate.high, 2)})`;
}

/** A difference with its interval: "+2.5 (−1.0 to +6.0)". */
function signed(estimate, scale = 1, digits = 1) {
  if (estimate == null || estimate.value == null) return MISSING;
  const one = (value) => minus(`${value >= 0 ? "+" : ""}${(scale * value).toFixed(digits)}`);
  return estimate.low == null
    ? one(estimate.value)
    : `${one(estimate.value)} (${one(estimate.low)} to ${one(estimate.high)})`;
}

function duration(seconds) {
  if (seconds == null) return MISSING;
  if (seconds < 1e-3) return `${+(seconds * 1e6).toPrecision(2)} µs`;
  if (seconds < 1) return `${+(seconds * 1e3).toPrecision(3)} ms`;
  if (seconds < 100) return `${+seconds.toPrecision(3)} s`;
  if (seconds < 6000) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

function amount(cost, value) {
  return timed(cost) ? duration(value) : value == null ? MISSING : count(value);
}

/** A number of unknown size: a value, a log-probability. */
function figure(value) {
  if (value == null) return MISSING;
  const size = Math.abs(value);
  return minus(size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(2) : value.toFixed(3));
}

/** A table. Each row is its cells; the first of them heads the row. A cell may be text or an element. */
function table(caption, columns, rows, { className = "" } = {}) {
  const head = columns.map((name, at) => element("th", { scope: "col", class: at ? "number" : null }, name));
  const body = rows.map(([first, ...rest]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, first),
      rest.map((cell) => element("td", { class: "number" }, cell)),
    ),
  );
  return element(
    "div",
    { class: `scroll ${className}`, tabindex: 0, role: "region", "aria-label": caption },
    element(
      "table",
      {},
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, head)),
      element("tbody", {}, body),
    ),
  );
}

/** Figures behind a chart, out of the way until someone wants them. */
function figures(...tables) {
  return element("details", { class: "figures" }, element("summary", {}, "Figures"), tables);
}

/** What stands where there is nothing to show, and why. */
function empty(...words) {
  return element("p", { class: "empty" }, words);
}

/** A row of buttons of which one is pressed. `choices` are [key, text]; `chosen(key)` is told of each choice. */
function choiceOf(label, choices, first, chosen) {
  const buttons = choices.map(([key, text]) =>
    element("button", { type: "button", "aria-pressed": String(key === first), click: () => press(key) }, text),
  );
  function press(key) {
    buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(choices[at][0] === key)));
    chosen(key);
  }
  return element("div", { class: "choice", role: "group", "aria-label": label }, buttons);
}

function legend(entries) {
  return element(
    "ul",
    { class: "legend" },
    entries.map(([text, colour]) => {
      const swatch = element("span", { class: "swatch" });
      swatch.style.background = colour;
      return element("li", {}, swatch, text);
    }),
  );
}
