// What was solved within a budget, by each run and by one against the other.

function solvedSection(place, data) {
  const runs = data.evaluation.runs;
  let cost = "expansions";
  const chart = drawn((width) => solvedChart(width, data, cost));
  put(
    place,
    element(
      "p",
      { class: "lead" },
      "The part of the theorems that is proved within a budget a theorem. Bands are Wilson’s 95 % intervals.",
    ),
    element(
      "div",
      { class: "bar" },
      choiceOf(
        "Budget of",
        costsOf(runs),
        cost,
        (key) => {
          cost = key;
          chart.redraw();
        },
      ),
      legend(data.names.map((name, at) => [name, runColour(at)])),
    ),
    chart,
    figures(
      runs.flatMap((run, at) => [
        table(
          `${data.names[at]}: solved within`,
          ["budget", "solved", "part (interval)", "cut off earlier by another limit"],
          [
            ...run.solved_expansions.map((point) => [point, `${count(point.budget)} expansions`]),
            ...run.solved_seconds.map((point) => [point, duration(point.budget)]),
          ].map(([point, budget]) => [
            budget,
            `${count(point.solved)} of ${count(point.theorems)}`,
            partOf(point.solved / point.theorems, point.low, point.high),
            percent(point.cut_off),
          ]),
        ),
      ]),
    ),
  );
  if (runs.every((run) => run.proved === 0))
    put(
      place,
      empty("No theorem was proved, so every curve stays at 0; its band says what may have been missed by chance."),
    );
  data.evaluation.comparisons.forEach((comparison, at) =>
    put(place, ...comparisonParts(comparison, data.names[0], data.names[at + 1], runColour(at + 1))),
  );
}

function solvedChart(width, data, cost) {
  const points = data.runs.flatMap((run, at) => {
    const curve = run.curves[cost];
    if (!curve) return [];
    const theorems = data.evaluation.runs[at].theorems;
    return curve.budget.map((budget, index) => ({
      run: at,
      name: data.names[at],
      budget,
      solved: curve.solved[index] / theorems,
      low: curve.low[index],
      high: curve.high[index],
      words: `${count(curve.solved[index])} of ${count(theorems)}: ${partOf(curve.solved[index] / theorems, curve.low[index], curve.high[index])}`,
    }));
  });
  const channels = { z: "run", curve: "step-after" };
  return plot(width, {
    height: 340,
    ariaLabel: `Part of the theorems solved against ${WORDS[cost]}`,
    x: costAxis(
      cost,
      points.map((point) => point.budget),
      `${WORDS_OF_TIME[cost] ?? WORDS[cost]} a theorem →`,
    ),
    y: {
      label: "↑ theorems solved",
      tickFormat: (value) => `${Math.round(100 * value)} %`,
      domain: [0, Math.min(1, Math.ceil(10 * d3.max(points, (point) => point.high)) / 10)],
      grid: true,
    },
    marks: [
      Plot.areaY(points, {
        x: "budget",
        y1: "low",
        y2: "high",
        fill: (point) => runColour(point.run),
        fillOpacity: 0.13,
        ...channels,
      }),
      Plot.line(points, {
        x: "budget",
        y: "solved",
        stroke: (point) => runColour(point.run),
        strokeWidth: 2.2,
        ...channels,
      }),
      Plot.ruleY([0]),
      Plot.dot(points, Plot.pointer({ x: "budget", y: "solved", fill: (point) => runColour(point.run), r: 4 })),
      tip(points, Plot.pointer, {
        x: "budget",
        y: "solved",
        title: (point) =>
          `${point.name}\nwithin ${amount(cost, point.budget)}${timed(cost) ? "" : ` ${WORDS[cost]}`}\n${point.words}`,
      }),
    ],
  });
}

/** A run against the first one: the difference at each budget. */
function comparisonParts(comparison, first, second, colour) {
  const rows = {
    "at equal expansions": comparison.expansions.map((at) => [amount("expansions", at.budget), at]),
    "at equal time": comparison.seconds.map((at) => [duration(at.budget), at]),
    "at equal processor time": comparison.processor_seconds.map((at) => [duration(at.budget), at]),
    "at equal tokens": comparison.tokens.map((at) => [amount("tokens", at.budget), at]),
  };
  return [
    element("h3", {}, `${second} against ${first}`),
    element(
      "p",
      { class: "lead" },
      `On the ${count(comparison.theorems)} theorems of both, pair by pair. Right of the line ${second} proves more.`,
    ),
    element(
      "div",
      { class: "beside" },
      Object.entries(rows)
        .filter(([, of]) => of.length)
        .map(([title, of]) =>
          element(
            "figure",
            {},
            element("figcaption", {}, title),
            drawn((width) => differenceChart(width, of, first, second, colour)),
          ),
        ),
    ),
    figures(
      table(
        "Solved at equal budgets",
        ["within", first, second, `only ${first}`, `only ${second}`, "difference, points", "McNemar p"],
        Object.entries(rows).flatMap(([title, of]) =>
          of.map(([label, at]) => [
            `${label} ${title.replace("at equal ", "").replace("processor time", "of a processor").replace(/^time$/, "")}`.trim(),
            count(at.first),
            count(at.second),
            count(at.only_first),
            count(at.only_second),
            signed(at.difference, 100),
            +at.p_value.toPrecision(3),
          ]),
        ),
      ),
      comparison.costs.expansions.theorems > 0 &&
        table(
          `Cost of a proof, on the ${count(comparison.costs.expansions.theorems)} theorems that both solve; means are geometric`,
          ["", `${first}, mean`, `${second}, mean`, "ratio (interval)", "medians"],
          Object.entries(comparison.costs).map(([cost, of]) => [
            WORDS[cost],
            figure(of.first),
            figure(of.second),
            spread(of.ratio, 2),
            `${figure(of.median_first)}, ${figure(of.median_second)}`,
          ]),
        ),
    ),
  ];
}

function differenceChart(width, rows, first, second, colour) {
  const points = rows.map(([label, { difference: of, only_first, only_second, p_value }]) => ({
    label,
    ...of,
    words: `${signed(of, 100)} points\nonly ${first}: ${only_first}, only ${second}: ${only_second}\nMcNemar p = ${+p_value.toPrecision(2)}`,
  }));
  return plot(width, {
    height: 60 + 24 * points.length,
    marginLeft: 64,
    marginTop: 6,
    ariaLabel: `Difference of ${second} and ${first} at each budget`,
    x: {
      label: "points →",
      ticks: Math.max(3, width / 90),
      tickFormat: (value) => signed({ value }, 100, 0),
      grid: true,
      nice: true,
    },
    y: { domain: points.map((point) => point.label), label: null, tickSize: 0 },
    marks: [
      Plot.ruleX([0], { strokeWidth: 1.5 }),
      Plot.ruleY(
        points.filter((point) => point.low != null),
        { y: "label", x1: "low", x2: "high", stroke: colour, strokeWidth: 2 },
      ),
      Plot.dot(points, { x: "value", y: "label", fill: colour, r: 4 }),
      tip(points, Plot.pointerY, { x: "value", y: "label", title: "words" }),
    ],
  });
}
