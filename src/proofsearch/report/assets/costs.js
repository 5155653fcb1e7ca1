// What proofs cost.

function proofCostSection(place, data) {
  const proofs = data.evaluation.runs.map((run) => run.proof_costs.seconds.proofs);
  if (d3.sum(proofs) === 0) {
    place.append(empty("No theorem was proved, so there is no cost of a proof to show."));
    return;
  }
  let cost = "seconds";
  const charts = [drawn((width) => proofCostChart(width, data, cost))];
  if (data.names.length > 1) charts.push(drawn((width) => pairsChart(width, data, cost)));
  place.append(
    element(
      "p",
      { class: "lead" },
      "A dot a proved theorem. The line marks the median, the box the quartiles; verification is not counted.",
    ),
    element(
      "div",
      { class: "bar" },
      choiceOf(
        "Cost in",
        [
          ["seconds", "Time"],
          ["expansions", "Expansions"],
          ["nodes", "States"],
          ["model_calls", "Model calls"],
        ],
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
  const least = cost === "seconds" ? 1e-6 : 1;
  return d3
    .range(data.theorems.name.length)
    .filter((at) => rows.proved[at])
    .map((at) => ({ at, run, cost: Math.max(least, rows[cost][at]) }));
}

function proofCostChart(width, data, cost) {
  const proofs = data.names.flatMap((_, run) => proofsOf(data, run, cost));
  const boxes = data.evaluation.runs
    .map((run, at) => ({ run: at, ...run.proof_costs[cost] }))
    .filter((box) => box.proofs > 0);
  const many = proofs.length > 1200;
  const left = Math.min(200, 16 + 7 * d3.max(data.names, (name) => name.length));
  const colour = (row) => runColour(row.run);
  const floor = (value) => Math.max(cost === "seconds" ? 1e-6 : 1, value);
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
      `${cost === "seconds" ? "time" : WORDS[cost]} to the proof →`,
    ),
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
      many
        ? Plot.tickX(proofs, { fy: "run", x: "cost", stroke: colour, strokeOpacity: 0.25 })
        : Plot.dot(
            proofs,
            Plot.dodgeY("middle", { fy: "run", x: "cost", fill: colour, r: 3, fillOpacity: 0.85, padding: 0.5 }),
          ),
      Plot.ruleX(boxes, { fy: "run", x: (box) => floor(box.median), stroke: "currentColor", strokeWidth: 2 }),
      tip(proofs, Plot.pointerX, {
        fy: "run",
        x: "cost",
        title: (proof) =>
          `${data.theorems.name[proof.at]}\n${amount(cost, data.theorems.runs[proof.run][cost][proof.at])}${cost === "seconds" ? "" : ` ${WORDS[cost]}`}`,
      }),
    ],
  });
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
