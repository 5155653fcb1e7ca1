// What proofs cost.

/** More proofs than these are counted in bars instead of shown as dots. */
const MOST_DOTS = 1200;

/** Pairs that are shown at most; of more, evenly spaced ones. */
const MOST_PAIRS = 3000;

const BARS = 48;

function proofCostSection(place, data) {
  const proofs = data.evaluation.runs.map((run) => run.proof_costs.seconds.proofs);
  if (d3.sum(proofs) === 0) {
    put(place, empty("No theorem was proved, so there is no cost of a proof to show."));
    return;
  }
  let cost = "seconds";
  const charts = [drawn((width) => proofCostChart(width, data, cost))];
  if (data.names.length > 1) charts.push(drawn((width) => pairsChart(width, data, cost)));
  put(
    place,
    element(
      "p",
      { class: "lead" },
      `${d3.sum(proofs) > MOST_DOTS ? "How many theorems were proved at which cost." : "A dot a proved theorem."} ` +
        "The line marks the median, the box the quartiles; verification is not counted.",
    ),
    element(
      "div",
      { class: "bar" },
      choiceOf(
        "Cost in",
        costsOf(data.evaluation.runs),
        cost,
        (key) => {
          cost = key;
          charts.forEach((chart) => chart.redraw());
        },
      ),
    ),
    element("div", { class: charts.length > 1 ? "beside" : "" }, charts),
    figures(
      data.evaluation.runs.map((run, at) =>
        table(
          `${data.names[at]}: cost of ${count(proofs[at])} proofs`,
          ["", "lower quartile", "median", "upper quartile"],
          Object.entries(run.proof_costs).map(([kind, of]) => [
            WORDS[kind],
            amount(kind, of.lower),
            amount(kind, of.median),
            amount(kind, of.upper),
          ]),
        ),
      ),
    ),
  );
}

/** The cost of each proof of a run: [theorem's index, cost]; a cost of 0 stands where a logarithmic axis begins. */
function proofsOf(data, run, cost) {
  const rows = data.theorems.runs[run];
  const least = timed(cost) ? 1e-6 : 1;
  return d3
    .range(data.theorems.name.length)
    .filter((at) => rows.proved[at] && rows[cost][at] != null)
    .map((at) => ({ at, run, cost: Math.max(least, rows[cost][at]) }));
}

function proofCostChart(width, data, cost) {
  const proofs = data.names.flatMap((_, run) => proofsOf(data, run, cost));
  const boxes = data.evaluation.runs
    .map((run, at) => ({ run: at, ...run.proof_costs[cost] }))
    .filter((box) => box.proofs > 0);
  const many = proofs.length > MOST_DOTS;
  const left = Math.min(200, 16 + 7 * d3.max(data.names, (name) => name.length));
  const colour = (row) => runColour(row.run);
  const floor = (value) => Math.max(timed(cost) ? 1e-6 : 1, value);
  return plot(width, {
    height:
      40 +
      data.names.length *
        (many
          ? 64
          : Math.min(
              150,
              56 +
                0.6 *
                  d3.max(
                    d3
                      .rollup(
                        proofs,
                        (rows) => rows.length,
                        (row) => row.run,
                      )
                      .values(),
                  ),
            )),
    marginLeft: left,
    ariaLabel: `What proofs cost in ${WORDS[cost]}, by run`,
    x: costAxis(
      cost,
      [...proofs.map((proof) => proof.cost), ...boxes.flatMap((box) => [floor(box.lower), floor(box.upper)])],
      `${WORDS_OF_TIME[cost] ?? WORDS[cost]} to the proof →`,
    ),
    y: { axis: null },
    fy: {
      domain: d3.range(data.names.length),
      label: null,
      axis: "left",
      tickFormat: (run) => shortened(data.names[run], left / 7 - 1),
      padding: 0.12,
    },
    marks: [
      Plot.rect(boxes, {
        fy: "run",
        x1: (box) => floor(box.lower),
        x2: (box) => floor(box.upper),
        fill: colour,
        fillOpacity: 0.14,
        rx: 3,
      }),
      ...(many ? costBars(proofs, cost, colour) : costDots(proofs, data, cost, colour)),
      Plot.ruleX(boxes, { fy: "run", x: (box) => floor(box.median), stroke: "currentColor", strokeWidth: 2 }),
    ],
  });
}

function costDots(proofs, data, cost, colour) {
  const words = ({ run, at }) =>
    `${data.theorems.name[at]}\n${amount(cost, data.theorems.runs[run][cost][at])}${timed(cost) ? "" : ` ${WORDS[cost]}`}`;
  return [
    Plot.dot(
      proofs,
      Plot.dodgeY("middle", { fy: "run", x: "cost", fill: colour, r: 3, fillOpacity: 0.85, padding: 0.5 }),
    ),
    tip(proofs, Plot.pointerX, { fy: "run", x: "cost", title: words }),
  ];
}

/** Bars as wide as each other on a logarithmic axis, each run's by the highest of its own. */
function costBars(proofs, cost, colour) {
  const [low, high] = d3.extent(proofs, (proof) => Math.log10(proof.cost));
  const binned = d3
    .bin()
    .value((proof) => Math.log10(proof.cost))
    .domain([low, high])
    .thresholds(d3.range(1, BARS).map((at) => low + (at * (high - low)) / BARS));
  const bars = d3
    .groups(proofs, (proof) => proof.run)
    .flatMap(([run, of]) => {
      const bins = binned(of);
      const most = d3.max(bins, (bin) => bin.length);
      return bins.map((bin) => ({
        run,
        x1: 10 ** bin.x0,
        x2: 10 ** bin.x1,
        size: bin.length,
        height: bin.length / most,
      }));
    });
  return [
    Plot.rect(bars, { fy: "run", x1: "x1", x2: "x2", y1: 0, y2: "height", fill: colour, inset: 0.5 }),
    tip(bars, Plot.pointerX, {
      fy: "run",
      x1: "x1",
      x2: "x2",
      y: "height",
      title: (bar) =>
        `${count(bar.size)} proofs\n${amount(cost, +bar.x1.toPrecision(2))} to ${amount(cost, +bar.x2.toPrecision(2))}`,
    }),
  ];
}

/** Theorems that the first run and another one proved, a dot each: above the line the other one needed more. */
function pairsChart(width, data, cost) {
  const first = new Map(proofsOf(data, 0, cost).map((proof) => [proof.at, proof.cost]));
  const pairs = d3.range(1, data.names.length).flatMap((run) =>
    proofsOf(data, run, cost)
      .filter((proof) => first.has(proof.at))
      .map((proof) => ({ ...proof, first: first.get(proof.at) })),
  );
  if (!pairs.length) return empty("No theorem was proved in two runs.");
  if (pairs.length > MOST_PAIRS) {
    const some = d3.range(MOST_PAIRS).map((at) => pairs[Math.floor((at * pairs.length) / MOST_PAIRS)]);
    return element(
      "figure",
      {},
      element("figcaption", {}, `${count(MOST_PAIRS)} of the ${count(pairs.length)} theorems that two runs proved`),
      pairsPlot(width, some, data, cost),
    );
  }
  return pairsPlot(width, pairs, data, cost);
}

function pairsPlot(width, pairs, data, cost) {
  const both = pairs.flatMap((pair) => [pair.first, pair.cost]);
  const axis = costAxis(cost, both, null);
  return plot(width, {
    height: Math.min(360, width),
    ariaLabel: "Cost of the proofs that two runs found, one against the other",
    x: {
      ...axis,
      label: `${data.names[0]} →`,
      ticks: logTicks(...axis.domain).filter((tick) => Number.isInteger(Math.log10(tick)) || axis.ticks.length < 6),
    },
    y: { ...axis, label: data.names.length === 2 ? `↑ ${data.names[1]}` : "↑ the other run" },
    marks: [
      Plot.link([axis.domain], { x1: "0", y1: "0", x2: "1", y2: "1", strokeOpacity: 0.4, strokeDasharray: "3,4" }),
      Plot.dot(pairs, { x: "first", y: "cost", fill: (pair) => runColour(pair.run), r: 3, fillOpacity: 0.75 }),
      tip(pairs, Plot.pointer, {
        x: "first",
        y: "cost",
        title: (pair) =>
          `${data.theorems.name[pair.at]}\n${data.names[0]}: ${amount(cost, pair.first)}\n${data.names[pair.run]}: ${amount(cost, pair.cost)}`,
      }),
    ],
  });
}
