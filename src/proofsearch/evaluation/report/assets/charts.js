// Charts: what all of them share. Each is drawn anew when its width or the colour scheme changes.

const RUN_COLOURS = ["#4e79d8", "#e8803c", "#2f9e73", "#c0569f", "#8c7a3d", "#7a68c9", "#3aa3b8", "#d4526e"];
const PART_COLOURS = { generate: "#4e79d8", step: "#2f9e73", score: "#e8803c", engine: "#8d95a3", accept: "#c0569f" };
const RANK_COLOURS = {
  value: "#4e79d8",
  combined: "#2f9e73",
  logprob: "#e8803c",
  normalized: "#e3b341",
  logprob_goals: "#b06a4a",
};
const STEP_COLOURS = {
  advanced: "#4e79d8",
  finished: "#2f9e73",
  rejected: "#b6bcc8",
  timed_out: "#e3a13c",
  crashed: "#d4526e",
  refused: "#c0569f",
};
const DARK = matchMedia("(prefers-color-scheme: dark)");

function runColour(run) {
  return RUN_COLOURS[run % RUN_COLOURS.length];
}

/** How an ending is coloured: proved, stopped, or something that went wrong. */
function endingColour(ending) {
  const known = {
    proved: "#2f9e73",
    "stopped at the limit on expansions": "#9aa5b8",
    "stopped at the limit on seconds": "#7f92b5",
    "stopped at the limit on steps": "#b3b9c6",
    "stopped at the limit on model_calls": "#6f87a0",
    exhausted: "#d9b44a",
    finished: "#c0569f",
    cancelled: "#c8c2b8",
    "timed out": "#e8803c",
    crashed: "#d4526e",
    "out of memory": "#8e5bb5",
  };
  return known[ending] ?? "#a83f4f";
}

/** An element in which `draw(width)` is shown, and shown again when it has to be. */
function drawn(draw) {
  const place = element("div", { class: "chart" });
  let width = 0;
  const redraw = () => {
    if (width > 0) place.replaceChildren(draw(width));
  };
  new ResizeObserver(([entry]) => {
    const now = Math.floor(entry.contentRect.width);
    if (now === width) return;
    width = now;
    redraw();
  }).observe(place);
  DARK.addEventListener("change", redraw);
  place.redraw = redraw;
  return place;
}

function plot(width, options) {
  return Plot.plot({
    width,
    marginLeft: 52,
    marginRight: 18,
    marginTop: 28,
    marginBottom: 46,
    ...options,
    x: { labelOffset: 40, ...options.x },
    style: { background: "none", color: "inherit", fontFamily: "inherit", fontSize: "12px", overflow: "visible" },
  });
}

/** What a pointer near a mark is told. */
function tip(data, near, options) {
  return Plot.tip(
    data,
    near({ fill: "var(--card)", stroke: "var(--soft)", lineHeight: 1.35, textPadding: 9, ...options }),
  );
}

/** Ticks of a logarithmic axis: powers of ten, and 2 and 5 between them where there are few. */
function logTicks(low, high) {
  const decades = Math.log10(high / low);
  const digits = decades < 2.5 ? [1, 2, 5] : [1];
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const digit of digits) {
      const tick = Number(`${digit}e${power}`);
      if (tick >= low * 0.999 && tick <= high * 1.001) found.push(tick);
    }
  return found;
}

/** The options of a logarithmic axis of a cost. */
function costAxis(cost, values, label) {
  let [low, high] = d3.extent(values);
  if (low === high) [low, high] = [low / 2, high * 2];
  return {
    type: "log",
    domain: [low, high],
    ticks: logTicks(low, high),
    tickFormat: (value) => amount(cost, value),
    label,
  };
}

/** Bars of parts of a whole, a row a run, with the share written into those that are wide enough. */
function shareBars(width, rows, colours, words, describe) {
  const names = rows.map((row) => row.name);
  const left = Math.min(200, 16 + 7 * d3.max(names, (name) => name.length));
  const parts = rows.flatMap((row) => {
    const whole = d3.sum(Object.values(row.parts));
    let start = 0;
    return Object.entries(row.parts).map(([key, size]) => {
      const part = { run: row.name, key, size, share: size / whole, start, middle: start + size / whole / 2 };
      start += part.share;
      return part;
    });
  });
  return plot(width, {
    height: 32 + 40 * rows.length,
    marginLeft: left,
    marginTop: 4,
    marginBottom: 28,
    x: { domain: [0, 1], tickFormat: (value) => `${Math.round(100 * value)} %`, label: null, ticks: 5 },
    y: { domain: names, label: null, tickSize: 0, tickFormat: (name) => shortened(name, left / 7 - 1) },
    marks: [
      Plot.barX(parts, {
        x1: "start",
        x2: (part) => part.start + part.share,
        y: "run",
        fill: (part) => colours(part.key),
        insetLeft: 0.5,
        insetRight: 0.5,
        rx: 2,
      }),
      Plot.text(
        parts.filter((part) => part.share * (width - left) > 42),
        {
          x: "middle",
          y: "run",
          text: (part) => `${+hundredths(part.share)} %`,
          fill: "white",
          fontWeight: 600,
        },
      ),
      tip(parts, Plot.pointer, {
        x: "middle",
        y: "run",
        maxRadius: 200,
        title: (part) => `${words(part.key)}\n${describe(part)}`,
      }),
    ],
  });
}

function shortened(text, longest) {
  return text.length <= longest ? text : `${text.slice(0, Math.max(1, longest - 1))}…`;
}
