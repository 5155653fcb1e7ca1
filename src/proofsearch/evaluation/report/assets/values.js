// What the values are worth against log-probability.

function valuesSection(place, data) {
  const [of, more] = [data.evaluation.runs, data.evaluation.runs.length > 1];
  put(
    place,
    element(
      "p",
      { class: "lead" },
      "At a decision some of the waiting states lead on to the proof and others don’t. Shown is how often the best-ranked one leads on, by depth, with 95 % intervals over theorems; the grey line is chance.",
    ),
  );
  of.forEach((run, at) => {
    if (more) put(place, element("h3", {}, data.names[at]));
    if (!run.ranking.all.decisions) {
      put(
        place,
        empty(
          run.rates.states && !run.neutral
            ? `Values of ${run.value_of}: ${run.sign.words}.`
            : run.rates.states || Object.keys(run.steps).length
            ? "No search of this run had a decision to judge by: a decision needs a found proof and at least two states to choose from."
            : "No search of this run was recorded (--no-trajectories), so nothing can be said of its values.",
        ),
      );
      return;
    }
    const verdict = { "above chance": "good", "looks inverted": "bad" }[run.sign.verdict] ?? "unsure";
    put(
      place,
      element("p", { class: `verdict ${verdict}` }, `Recorded values of ${run.value_of}: ${run.sign.words}.`),
      legend(rankingsOf(run).map((name) => [WORDS[name] ?? name, RANK_COLOURS[name]])),
      drawn((width) => rankingChart(width, run)),
      valueDetails(run) ?? "",
      rankingFigures(run),
    );
  });
}

function rankingsOf(run) {
  return Object.keys(RANK_COLOURS).filter((name) => name in run.ranking.all.rankings);
}

function rankingChart(width, run) {
  const depths = Object.entries(run.ranking).filter(([, of]) => of.decisions);
  const names = rankingsOf(run);
  const points = depths.flatMap(([depth, of]) =>
    names.map((name) => ({ depth, name, ...of.rankings[name].rank1, of })),
  );
  const chance = depths.map(([depth, of]) => ({ depth, value: of.random.rank1.value }));
  const roomy = width > 620;
  const label = (depth) => {
    const name = depth.replace("-", "–");
    if (!roomy) return `${name}\n${count(run.ranking[depth].decisions)}`;
    return `${depth === "all" ? "all depths" : `depth ${name}`}\n${count(run.ranking[depth].decisions)} decisions`;
  };
  return plot(width, {
    height: 320,
    marginBottom: 48,
    ariaLabel: "How often the best-ranked state leads to a proof, by depth",
    fx: { domain: depths.map(([depth]) => depth), label: null, axis: "bottom", tickFormat: label, padding: 0.15 },
    x: { domain: names, axis: null, padding: 0.4 },
    y: {
      domain: [0, 1],
      grid: true,
      label: "↑ best-ranked leads on",
      tickFormat: (value) => `${Math.round(100 * value)} %`,
    },
    marks: [
      Plot.ruleY(chance, {
        fx: "depth",
        y: "value",
        stroke: "currentColor",
        strokeOpacity: 0.45,
        strokeWidth: 1.5,
        strokeDasharray: "4,3",
      }),
      Plot.ruleX(
        points.filter((point) => point.low != null),
        {
          fx: "depth",
          x: "name",
          y1: "low",
          y2: "high",
          stroke: (point) => RANK_COLOURS[point.name],
          strokeWidth: 2,
          strokeOpacity: 0.7,
        },
      ),
      Plot.dot(points, { fx: "depth", x: "name", y: "value", fill: (point) => RANK_COLOURS[point.name], r: 5 }),
      tip(points, Plot.pointer, {
        fx: "depth",
        x: "name",
        y: "value",
        title: (point) =>
          `${WORDS[point.name]}\n${partOf(point.value, point.low, point.high)}\n${count(point.of.decisions)} decisions of ${count(point.of.theorems)} theorems`,
      }),
    ],
  });
}

/** How the value spreads, and how far it can be read as a probability. */
function valueDetails(run) {
  const parts = [];
  const { edges, positive, negative } = run.histogram;
  if (edges.length) {
    const sides = [
      ["on a path to a proof", positive, "#2f9e73"],
      ["searched in vain", negative, "#d4526e"],
    ].filter(([, counts]) => d3.sum(counts));
    parts.push(
      element(
        "figure",
        {},
        element(
          "figcaption",
          {},
          "Values of states that are known to lead to a proof, and of those that were searched in vain",
        ),
        legend(sides.map(([name, counts, colour]) => [`${name} (${count(d3.sum(counts))})`, colour])),
        drawn((width) => {
          const bars = sides.flatMap(([name, counts, colour]) =>
            counts.map((size, at) => ({
              name,
              colour,
              from: edges[at],
              to: edges[at + 1],
              share: size / d3.sum(counts),
              size,
            })),
          );
          return plot(width, {
            height: 220,
            ariaLabel: "Histogram of the value",
            x: { label: "value →", tickFormat: (value) => minus(String(value)) },
            y: { label: "↑ part of the states", grid: true, tickFormat: (value) => `${Math.round(100 * value)} %` },
            marks: [
              Plot.rect(bars, {
                x1: "from",
                x2: "to",
                y1: 0,
                y2: "share",
                z: "name",
                fill: "colour",
                fillOpacity: 0.45,
                inset: 0.5,
              }),
              Plot.ruleY([0]),
            ],
          });
        }),
      ),
    );
  }
  if (run.calibration.bins.length)
    parts.push(
      element(
        "figure",
        {},
        element(
          "figcaption",
          {},
          `The value as a probability, fitted on other theorems: expected calibration error ${decimal(run.calibration.error)}`,
        ),
        drawn((width) =>
          plot(width, {
            height: 252,
            ariaLabel: "Predicted probability against what happened",
            x: {
              label: "predicted →",
              domain: [0, 1],
              tickFormat: (value) => `${Math.round(100 * value)} %`,
              ticks: 5,
            },
            r: { range: [2.5, 12] },
            y: {
              label: "↑ led to a proof",
              domain: [0, 1],
              grid: true,
              tickFormat: (value) => `${Math.round(100 * value)} %`,
            },
            marks: [
              Plot.link([0], { x1: 0, y1: 0, x2: 1, y2: 1, strokeOpacity: 0.4, strokeDasharray: "3,4" }),
              Plot.dot(run.calibration.bins, {
                x: "predicted",
                y: "observed",
                r: "states",
                fill: RANK_COLOURS.value,
                fillOpacity: 0.7,
              }),
              tip(run.calibration.bins, Plot.pointer, {
                x: "predicted",
                y: "observed",
                title: (bin) =>
                  `predicted ${percent(bin.predicted)}\nled to a proof ${percent(bin.observed)}\n${count(bin.states)} states`,
              }),
            ],
          }),
        ),
      ),
    );
  return parts.length ? element("div", { class: "beside" }, parts) : null;
}

function rankingFigures(run) {
  const depths = Object.entries(run.ranking).filter(([, of]) => of.decisions);
  const best = WORDS[run.best_logprob] ?? run.best_logprob;
  const of = (estimate) => partOf(estimate.value, estimate.low, estimate.high);
  return figures(
    table(
      "Rank-1: the best-ranked state leads on",
      ["ranking", ...depths.map(([depth]) => (depth === "all" ? "all" : `depth ${depth.replace("-", "–")}`)), "MRR"],
      [
        ["decisions", ...depths.map(([, at]) => count(at.decisions)), ""],
        ["theorems", ...depths.map(([, at]) => count(at.theorems)), ""],
        [
          WORDS.random,
          ...depths.map(([, at]) => percent(at.random.rank1.value)),
          decimal(run.ranking.all.random.mrr.value),
        ],
        ...Object.keys(run.ranking.all.rankings).map((name) => [
          WORDS[name] ?? name,
          ...depths.map(([, at]) => of(at.rankings[name].rank1)),
          decimal(run.ranking.all.rankings[name].mrr.value),
        ]),
      ],
    ),
    Object.keys(run.ranking.all.differences).length > 0 &&
      table(
        `Paired differences, all depths. Combined: ${run.combined}`,
        ["", "rank-1, points", "MRR"],
        Object.entries(run.ranking.all.differences).map(([name, at]) => [
          (WORDS[name] ?? name).replace("{best}", best),
          signed(at.rank1, 100),
          signed(at.mrr, 1, 3),
        ]),
      ),
    table(
      "Labelled states",
      ["score", "AUROC", "within a theorem", "theorems", "gap", "Spearman with steps to the proof", "theorems"],
      Object.entries(run.separation).map(([name, at]) => [
        WORDS[name] ?? name,
        decimal(at.auroc),
        spread(at.auroc_within),
        count(at.auroc_theorems),
        decimal(at.gap, 2),
        spread(at.spearman),
        count(at.spearman_theorems),
      ]),
    ),
  );
}
