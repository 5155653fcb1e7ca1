// The sections that say what the runs solved, what it cost and what their values are worth.

/** The first look: a card a run, and what is to be known before anything is concluded. */
function summarySection(place, data) {
  const cards = data.evaluation.runs.map((run, at) => {
    const of = data.runs[at];
    const last = run.solved_expansions.at(-1);
    const limits = Object.entries(run.limit).filter(([, bound]) => bound != null);
    const facts = [
      ["environment", run.environment],
      ["generator", run.generator],
      ["scorer", run.scorer],
      ["priority", run.priority],
      ["limits", limits.map(([name, bound]) => amount(name, bound) + (name === "seconds" ? "" : ` ${WORDS[name] ?? name}`)).join(", ") || "none"],
      ["time", `${duration(run.time.seconds)} in ${count(run.theorems)} searches`],
      ["begun", of.created.replace("T", " ").replace("+00:00", " UTC")],
    ];
    const dot = element("span", { class: "swatch" });
    dot.style.background = runColour(at);
    const bar = element("div", { class: "meter", "aria-hidden": "true" }, element("i", {}));
    bar.firstChild.style.width = `${(100 * run.proved) / run.theorems}%`;
    bar.firstChild.style.background = runColour(at);
    const whole = run.proved === last.solved && run.theorems === last.theorems;
    return element(
      "article",
      { class: "card" },
      element("h3", {}, dot, data.names[at]),
      element("p", { class: "big" }, element("b", {}, count(run.proved)), ` of ${count(run.theorems)} proved`),
      bar,
      element("p", { class: "soft" }, whole ? `${partOf(run.proved / run.theorems, last.low, last.high)}, 95 % interval` : percent(run.proved / run.theorems)),
      element("dl", {}, facts.map(([name, text]) => [element("dt", {}, name), element("dd", {}, text)])),
      run.notes.map((note) => element("p", { class: "note" }, note)),
    );
  });
  const against = data.evaluation.comparisons.map((comparison, at) => {
    const last = comparison.expansions.at(-1);
    const verdict = last.difference.low > 0 ? "better" : last.difference.high < 0 ? "worse" : "even";
    return element(
      "article",
      { class: `card against ${verdict}` },
      element("h3", {}, `${data.names[at + 1]} against ${data.names[0]}`),
      element("p", { class: "big" }, element("b", {}, signed({ value: last.difference.value }, 100)), " points"),
      element("p", { class: "soft" }, last.difference.low == null ? "one theorem: no interval" : `${signed(last.difference, 100).replace(/^\S+ /, "")}, 95 % interval, at ${count(last.budget)} expansions on ${count(last.theorems)} theorems`),
      element("p", {}, `${count(last.only_second)} proved only with ${data.names[at + 1]}, ${count(last.only_first)} only with ${data.names[0]}; McNemar p = ${+last.p_value.toPrecision(2)}`),
      comparison.notes.map((note) => element("p", { class: "note" }, note)),
    );
  });
  if (data.names.length === 1) cards.push(...aloneCards(data.evaluation.runs[0]));
  const title = data.names.length === 1 ? data.names[0] : `${data.names.length} runs`;
  place.append(element("h1", {}, title), element("div", { class: "cards" }, cards, against));
}

/** What else there is to say first of a run that stands alone: what a proof cost, and how the other searches ended. */
function aloneCards(run) {
  const of = run.proof_costs;
  const spread = Object.entries(of).map(([cost, at]) => [WORDS[cost], `${amount(cost, at.median)} (${amount(cost, at.lower)} – ${amount(cost, at.upper)})`]);
  const pairs = (rows) => element("dl", {}, rows.map(([name, text]) => [element("dt", {}, name), element("dd", {}, text)]));
  const cost = element(
    "article",
    { class: "card aside" },
    element("h3", {}, "A proof took"),
    element("p", { class: "big" }, element("b", {}, duration(of.seconds.median)), " in the median"),
    element("p", { class: "soft" }, "Medians and quartiles of the proofs"),
    pairs(spread),
  );
  const others = Object.entries(run.endings).filter(([ending]) => ending !== "proved");
  const rest = element(
    "article",
    { class: "card aside" },
    element("h3", {}, "Not proved"),
    element("p", { class: "big" }, element("b", {}, count(run.theorems - run.proved)), ` of ${count(run.theorems)}`),
    others.length ? pairs(others.map(([ending, size]) => [count(size), ending.replace("model_calls", "model calls")])) : element("p", { class: "soft" }, "Every search ended with a proof."),
  );
  return run.proved ? [cost, rest] : [rest];
}

function solvedSection(place, data) {
  const runs = data.evaluation.runs;
  let cost = "expansions";
  const chart = drawn((width) => solvedChart(width, data, cost));
  place.append(
    element("p", { class: "lead" }, "The part of the theorems that is proved within a budget a theorem. Bands are Wilson’s 95 % intervals."),
    element(
      "div",
      { class: "bar" },
      choiceOf("Budget of", [["expansions", "Expansions"], ["seconds", "Time"], ["nodes", "States"], ["model_calls", "Model calls"]], cost, (key) => {
        cost = key;
        chart.redraw();
      }),
      legend(data.names.map((name, at) => [name, runColour(at)])),
    ),
    chart,
    figures(
      runs.flatMap((run, at) => [
        table(
          `${data.names[at]}: solved within`,
          ["budget", "solved", "part (interval)", "cut off earlier by another limit"],
          [...run.solved_expansions.map((point) => [point, `${count(point.budget)} expansions`]), ...run.solved_seconds.map((point) => [point, duration(point.budget)])].map(([point, budget]) => [
            budget,
            `${count(point.solved)} of ${count(point.theorems)}`,
            partOf(point.solved / point.theorems, point.low, point.high),
            percent(point.cut_off),
          ]),
        ),
      ]),
    ),
  );
  if (runs.every((run) => run.proved === 0)) place.append(empty("No theorem was proved, so every curve stays at 0; its band says what may have been missed by chance."));
  data.evaluation.comparisons.forEach((comparison, at) => place.append(...comparisonParts(comparison, data.names[0], data.names[at + 1], runColour(at + 1))));
}

function solvedChart(width, data, cost) {
  const points = data.runs.flatMap((run, at) => {
    const curve = run.curves[cost];
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
    x: costAxis(cost, points.map((point) => point.budget), `${cost === "seconds" ? "time" : WORDS[cost]} a theorem →`),
    y: { label: "↑ theorems solved", tickFormat: (value) => `${Math.round(100 * value)} %`, domain: [0, Math.min(1, Math.ceil(10 * d3.max(points, (point) => point.high)) / 10)], grid: true },
    marks: [
      Plot.areaY(points, { x: "budget", y1: "low", y2: "high", fill: (point) => runColour(point.run), fillOpacity: 0.13, ...channels }),
      Plot.line(points, { x: "budget", y: "solved", stroke: (point) => runColour(point.run), strokeWidth: 2.2, ...channels }),
      Plot.ruleY([0]),
      Plot.dot(points, Plot.pointer({ x: "budget", y: "solved", fill: (point) => runColour(point.run), r: 4 })),
      tip(points, Plot.pointer, { x: "budget", y: "solved", title: (point) => `${point.name}\nwithin ${amount(cost, point.budget)}${cost === "seconds" ? "" : ` ${WORDS[cost]}`}\n${point.words}` }),
    ],
  });
}

/** A run against the first one: the difference at each budget. */
function comparisonParts(comparison, first, second, colour) {
  const rows = {
    "at equal expansions": comparison.expansions.map((at) => [amount("expansions", at.budget), at]),
    "at equal time": comparison.seconds.map((at) => [duration(at.budget), at]),
  };
  return [
    element("h3", {}, `${second} against ${first}`),
    element("p", { class: "lead" }, `On the ${count(comparison.theorems)} theorems of both, pair by pair. Right of the line ${second} proves more.`),
    element(
      "div",
      { class: "beside" },
      Object.entries(rows)
        .filter(([, of]) => of.length)
        .map(([title, of]) => element("figure", {}, element("figcaption", {}, title), drawn((width) => differenceChart(width, of, first, second, colour)))),
    ),
    figures(
      table(
        "Solved at equal budgets",
        ["within", first, second, `only ${first}`, `only ${second}`, "difference, points", "McNemar p"],
        Object.entries(rows).flatMap(([title, of]) => of.map(([label, at]) => [`${label}${title.endsWith("time") ? "" : " expansions"}`, count(at.first), count(at.second), count(at.only_first), count(at.only_second), signed(at.difference, 100), +at.p_value.toPrecision(3)])),
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
    x: { label: "points →", ticks: Math.max(3, width / 90), tickFormat: (value) => signed({ value }, 100, 0), grid: true, nice: true },
    y: { domain: points.map((point) => point.label), label: null, tickSize: 0 },
    marks: [
      Plot.ruleX([0], { strokeWidth: 1.5 }),
      Plot.ruleY(points.filter((point) => point.low != null), { y: "label", x1: "low", x2: "high", stroke: colour, strokeWidth: 2 }),
      Plot.dot(points, { x: "value", y: "label", fill: colour, r: 4 }),
      tip(points, Plot.pointerY, { x: "value", y: "label", title: "words" }),
    ],
  });
}

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
    element("p", { class: "lead" }, "A dot a proved theorem. The line marks the median, the box the quartiles; verification is not counted."),
    element(
      "div",
      { class: "bar" },
      choiceOf("Cost in", [["seconds", "Time"], ["expansions", "Expansions"], ["nodes", "States"], ["model_calls", "Model calls"]], cost, (key) => {
        cost = key;
        charts.forEach((chart) => chart.redraw());
      }),
    ),
    element("div", { class: charts.length > 1 ? "beside" : "" }, charts),
    figures(
      data.evaluation.runs.map((run, at) =>
        table(
          `${data.names[at]}: cost of ${count(proofs[at])} proofs`,
          ["", "lower quartile", "median", "upper quartile"],
          Object.entries(run.proof_costs).map(([kind, of]) => [WORDS[kind], amount(kind, of.lower), amount(kind, of.median), amount(kind, of.upper)]),
        ),
      ),
    ),
  );
}

/** The cost of each proof of a run: [theorem's index, cost]; a cost of 0 stands where a logarithmic axis begins. */
function proofsOf(data, run, cost) {
  const rows = data.theorems.runs[run];
  const least = cost === "seconds" ? 1e-6 : 1;
  return d3.range(data.theorems.name.length).filter((at) => rows.proved[at]).map((at) => ({ at, run, cost: Math.max(least, rows[cost][at]) }));
}

function proofCostChart(width, data, cost) {
  const proofs = data.names.flatMap((_, run) => proofsOf(data, run, cost));
  const boxes = data.evaluation.runs.map((run, at) => ({ run: at, ...run.proof_costs[cost] })).filter((box) => box.proofs > 0);
  const many = proofs.length > 1200;
  const left = Math.min(200, 16 + 7 * d3.max(data.names, (name) => name.length));
  const colour = (row) => runColour(row.run);
  const floor = (value) => Math.max(cost === "seconds" ? 1e-6 : 1, value);
  return plot(width, {
    height: 40 + data.names.length * (many ? 64 : Math.min(150, 56 + 0.6 * d3.max(d3.rollup(proofs, (rows) => rows.length, (row) => row.run).values()))),
    marginLeft: left,
    ariaLabel: `What proofs cost in ${WORDS[cost]}, by run`,
    x: costAxis(cost, [...proofs.map((proof) => proof.cost), ...boxes.flatMap((box) => [floor(box.lower), floor(box.upper)])], `${cost === "seconds" ? "time" : WORDS[cost]} to the proof →`),
    fy: { domain: d3.range(data.names.length), label: null, axis: "left", tickFormat: (run) => shortened(data.names[run], left / 7 - 1), padding: 0.12 },
    marks: [
      Plot.rect(boxes, { fy: "run", x1: (box) => floor(box.lower), x2: (box) => floor(box.upper), fill: colour, fillOpacity: 0.14, rx: 3 }),
      many
        ? Plot.tickX(proofs, { fy: "run", x: "cost", stroke: colour, strokeOpacity: 0.25 })
        : Plot.dot(proofs, Plot.dodgeY("middle", { fy: "run", x: "cost", fill: colour, r: 3, fillOpacity: 0.85, padding: 0.5 })),
      Plot.ruleX(boxes, { fy: "run", x: (box) => floor(box.median), stroke: "currentColor", strokeWidth: 2 }),
      tip(proofs, Plot.pointerX, { fy: "run", x: "cost", title: (proof) => `${data.theorems.name[proof.at]}\n${amount(cost, data.theorems.runs[proof.run][cost][proof.at])}${cost === "seconds" ? "" : ` ${WORDS[cost]}`}` }),
    ],
  });
}

/** Theorems that the first run and another one proved, a dot each: above the line the other one needed more. */
function pairsChart(width, data, cost) {
  const first = new Map(proofsOf(data, 0, cost).map((proof) => [proof.at, proof.cost]));
  const pairs = d3.range(1, data.names.length).flatMap((run) => proofsOf(data, run, cost).filter((proof) => first.has(proof.at)).map((proof) => ({ ...proof, first: first.get(proof.at) })));
  if (!pairs.length) return empty("No theorem was proved in two runs.");
  const both = pairs.flatMap((pair) => [pair.first, pair.cost]);
  const axis = costAxis(cost, both, null);
  return plot(width, {
    height: Math.min(360, width),
    ariaLabel: "Cost of the proofs that two runs found, one against the other",
    x: { ...axis, label: `${data.names[0]} →`, ticks: logTicks(...axis.domain).filter((tick) => Number.isInteger(Math.log10(tick)) || axis.ticks.length < 6) },
    y: { ...axis, label: data.names.length === 2 ? `↑ ${data.names[1]}` : "↑ the other run" },
    marks: [
      Plot.link([axis.domain], { x1: "0", y1: "0", x2: "1", y2: "1", strokeOpacity: 0.4, strokeDasharray: "3,4" }),
      Plot.dot(pairs, { x: "first", y: "cost", fill: (pair) => runColour(pair.run), r: 3, fillOpacity: 0.75 }),
      tip(pairs, Plot.pointer, { x: "first", y: "cost", title: (pair) => `${data.theorems.name[pair.at]}\n${data.names[0]}: ${amount(cost, pair.first)}\n${data.names[pair.run]}: ${amount(cost, pair.cost)}` }),
    ],
  });
}

function timeSection(place, data) {
  const runs = data.evaluation.runs.map((run, at) => ({ name: data.names[at], time: run.time })).filter((run) => run.time.seconds > 0);
  if (!runs.length) {
    place.append(empty("No search measured where its time went."));
    return;
  }
  const parts = [...new Set(runs.flatMap((run) => Object.keys(run.time.parts)))];
  place.append(
    element("p", { class: "lead" }, "Wall time of all searches together: the generator’s suggestions, the prover’s steps, the scorer’s values, the search itself, and the independent verification of what was found."),
    legend(parts.map((part) => [WORDS[part] ?? part, PART_COLOURS[part] ?? "#888"])),
    drawn((width) =>
      shareBars(
        width,
        runs.map((run) => ({ name: run.name, parts: run.time.parts })),
        (part) => PART_COLOURS[part] ?? "#888",
        (part) => WORDS[part] ?? part,
        (part) => `${duration(part.size)}, ${percent(part.share)}`,
      ),
    ),
    figures(
      runs.map((run) =>
        table(
          `${run.name}: ${duration(run.time.seconds)}`,
          ["part", "time", "share (interval)"],
          Object.entries(run.time.parts).map(([part, seconds]) => {
            const share = run.time.shares[part];
            return [WORDS[part] ?? part, duration(seconds), partOf(share.value, share.low, share.high)];
          }),
        ),
      ),
    ),
  );
}

function endingsSection(place, data) {
  const runs = data.evaluation.runs;
  const endings = [...new Set(runs.flatMap((run) => Object.keys(run.endings)))];
  const words = (ending) => ending.replace("model_calls", "model calls");
  place.append(
    element("p", { class: "lead" }, "A search ends proved, at a limit, with nothing left to expand, or because something went wrong."),
    legend(endings.map((ending) => [words(ending), endingColour(ending)])),
    drawn((width) => shareBars(width, runs.map((run, at) => ({ name: data.names[at], parts: run.endings })), endingColour, words, (part) => `${count(part.size)} searches, ${percent(part.share)}`)),
    figures(
      table(
        "Searches by how they ended",
        ["ending", ...data.names],
        endings.map((ending) => [words(ending), ...runs.map((run) => count(run.endings[ending] ?? 0))]),
      ),
    ),
    element("h3", {}, "What became of the steps"),
  );
  const recorded = runs.map((run, at) => ({ name: data.names[at], parts: run.steps })).filter((run) => Object.keys(run.parts).length);
  if (!recorded.length) {
    place.append(empty("No search was recorded (--no-trajectories), so single steps are not known."));
    return;
  }
  const outcomes = Object.keys(STEP_COLOURS).filter((outcome) => recorded.some((run) => run.parts[outcome]));
  const named = (outcome) => outcome.replace("_", " ");
  place.append(
    legend(outcomes.map((outcome) => [named(outcome), STEP_COLOURS[outcome]])),
    drawn((width) => shareBars(width, recorded, (outcome) => STEP_COLOURS[outcome] ?? "#888", named, (part) => `${count(part.size)} steps, ${percent(part.share)}`)),
    figures(
      table("Recorded steps by outcome", ["outcome", ...recorded.map((run) => run.name)], outcomes.map((outcome) => [named(outcome), ...recorded.map((run) => count(run.parts[outcome] ?? 0))])),
    ),
  );
}

function valuesSection(place, data) {
  const [of, more] = [data.evaluation.runs, data.evaluation.runs.length > 1];
  place.append(
    element(
      "p",
      { class: "lead" },
      "At a decision some of the waiting states lead on to the proof and others don’t. Shown is how often the best-ranked one leads on, by depth, with 95 % intervals over theorems; the grey line is chance.",
    ),
  );
  of.forEach((run, at) => {
    if (more) place.append(element("h3", {}, data.names[at]));
    if (!run.ranking.all.decisions) {
      place.append(
        empty(
          run.rates.states || Object.keys(run.steps).length
            ? "No search of this run had a decision to judge by: a decision needs a found proof and at least two states to choose from."
            : "No search of this run was recorded (--no-trajectories), so nothing can be said of its values.",
        ),
      );
      return;
    }
    const verdict = { "above chance": "good", "looks inverted": "bad" }[run.sign.verdict] ?? "unsure";
    place.append(
      element("p", { class: `verdict ${verdict}` }, `Recorded values of ${run.value_of}: ${run.sign.words}.`),
      legend(rankingsOf(run).map((name) => [WORDS[name] ?? name, RANK_COLOURS[name]])),
      drawn((width) => rankingChart(width, run)),
      valueDetails(run),
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
  const points = depths.flatMap(([depth, of]) => names.map((name) => ({ depth, name, ...of.rankings[name].rank1, of })));
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
    y: { domain: [0, 1], grid: true, label: "↑ best-ranked leads on", tickFormat: (value) => `${Math.round(100 * value)} %` },
    marks: [
      Plot.ruleY(chance, { fx: "depth", y: "value", stroke: "currentColor", strokeOpacity: 0.45, strokeWidth: 1.5, strokeDasharray: "4,3" }),
      Plot.ruleX(points.filter((point) => point.low != null), { fx: "depth", x: "name", y1: "low", y2: "high", stroke: (point) => RANK_COLOURS[point.name], strokeWidth: 2, strokeOpacity: 0.7 }),
      Plot.dot(points, { fx: "depth", x: "name", y: "value", fill: (point) => RANK_COLOURS[point.name], r: 5 }),
      tip(points, Plot.pointer, { fx: "depth", x: "name", y: "value", title: (point) => `${WORDS[point.name]}\n${partOf(point.value, point.low, point.high)}\n${count(point.of.decisions)} decisions of ${count(point.of.theorems)} theorems` }),
    ],
  });
}

/** How the value spreads, and how far it can be read as a probability. */
function valueDetails(run) {
  const parts = [];
  const { edges, positive, negative } = run.histogram;
  if (edges.length) {
    const sides = [["on a path to a proof", positive, "#2f9e73"], ["searched in vain", negative, "#d4526e"]].filter(([, counts]) => d3.sum(counts));
    parts.push(
      element(
        "figure",
        {},
        element("figcaption", {}, "Values of states that are known to lead to a proof, and of those that were searched in vain"),
        legend(sides.map(([name, counts, colour]) => [`${name} (${count(d3.sum(counts))})`, colour])),
        drawn((width) => {
          const bars = sides.flatMap(([name, counts, colour]) => counts.map((size, at) => ({ name, colour, from: edges[at], to: edges[at + 1], share: size / d3.sum(counts), size })));
          return plot(width, {
            height: 220,
            ariaLabel: "Histogram of the value",
            x: { label: "value →", tickFormat: (value) => minus(String(value)) },
            y: { label: "↑ part of the states", grid: true, tickFormat: (value) => `${Math.round(100 * value)} %` },
            marks: [
              Plot.rect(bars, { x1: "from", x2: "to", y1: 0, y2: "share", z: "name", fill: "colour", fillOpacity: 0.45, inset: 0.5 }),
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
        element("figcaption", {}, `The value as a probability, fitted on other theorems: expected calibration error ${decimal(run.calibration.error)}`),
        drawn((width) =>
          plot(width, {
            height: 252,
            ariaLabel: "Predicted probability against what happened",
            x: { label: "predicted →", domain: [0, 1], tickFormat: (value) => `${Math.round(100 * value)} %`, ticks: 5 },
            r: { range: [2.5, 12] },
            y: { label: "↑ led to a proof", domain: [0, 1], grid: true, tickFormat: (value) => `${Math.round(100 * value)} %` },
            marks: [
              Plot.link([0], { x1: 0, y1: 0, x2: 1, y2: 1, strokeOpacity: 0.4, strokeDasharray: "3,4" }),
              Plot.dot(run.calibration.bins, { x: "predicted", y: "observed", r: "states", fill: RANK_COLOURS.value, fillOpacity: 0.7 }),
              tip(run.calibration.bins, Plot.pointer, { x: "predicted", y: "observed", title: (bin) => `predicted ${percent(bin.predicted)}\nled to a proof ${percent(bin.observed)}\n${count(bin.states)} states` }),
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
        [WORDS.random, ...depths.map(([, at]) => percent(at.random.rank1.value)), decimal(run.ranking.all.random.mrr.value)],
        ...Object.keys(run.ranking.all.rankings).map((name) => [WORDS[name] ?? name, ...depths.map(([, at]) => of(at.rankings[name].rank1)), decimal(run.ranking.all.rankings[name].mrr.value)]),
      ],
    ),
    Object.keys(run.ranking.all.differences).length > 0 &&
      table(
        `Paired differences, all depths. Combined: ${run.combined}`,
        ["", "rank-1, points", "MRR"],
        Object.entries(run.ranking.all.differences).map(([name, at]) => [(WORDS[name] ?? name).replace("{best}", best), signed(at.rank1, 100), signed(at.mrr, 1, 3)]),
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
