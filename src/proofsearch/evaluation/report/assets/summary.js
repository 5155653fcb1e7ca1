// The first look: what each run proved, and what is to be known before anything is concluded.

/** A card a run, and one a comparison. */
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
      [
        "limits",
        limits
          .map(([name, bound]) => amount(name, bound) + (name === "seconds" ? "" : ` ${WORDS[name] ?? name}`))
          .join(", ") || "none",
      ],
      ["time", `${duration(run.time.seconds)} in ${count(run.theorems)} searches`],
      ...computeOf(run.compute),
      [
        "checks",
        Object.entries(run.checked)
          .map(([tier, proofs]) => `${count(proofs)} ${tier}`)
          .join(", ") || "nothing was proved",
      ],
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
      element(
        "p",
        { class: "soft" },
        whole
          ? `${partOf(run.proved / run.theorems, last.low, last.high)}, 95 % interval`
          : percent(run.proved / run.theorems),
      ),
      element(
        "dl",
        {},
        facts.map(([name, text]) => [element("dt", {}, name), element("dd", {}, text)]),
      ),
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
      element(
        "p",
        { class: "soft" },
        last.difference.low == null
          ? "one theorem: no interval"
          : `${signed(last.difference, 100).replace(/^\S+ /, "")}, 95 % interval, at ${count(last.budget)} expansions on ${count(last.theorems)} theorems`,
      ),
      element(
        "p",
        {},
        `${count(last.only_second)} proved only with ${data.names[at + 1]}, ${count(last.only_first)} only with ${data.names[0]}; McNemar p = ${+last.p_value.toPrecision(2)}`,
      ),
      comparison.notes.map((note) => element("p", { class: "note" }, note)),
    );
  });
  if (data.names.length === 1) cards.push(...aloneCards(data.evaluation.runs[0]));
  const title = data.names.length === 1 ? data.names[0] : `${data.names.length} runs`;
  put(place, element("h1", {}, title), element("div", { class: "cards" }, cards, against));
}

/** What was counted of processor time, calls and tokens. */
function computeOf(of) {
  const facts = [
    ["policy", of.generated, of.generate_calls],
    ["value", of.scored, of.score_calls],
  ]
    .filter(([, states]) => states)
    .map(([whom, states, calls]) => [
      `${whom} asked`,
      `of ${count(states)} states${calls == null ? "" : ` in ${count(calls)} calls`}`,
    ]);
  if (of.processor_seconds != null)
    facts.push([
      "processor",
      `${duration(of.processor_seconds)}, ${duration(of.prover_processor_seconds)} of it in steps`,
    ]);
  if (of.tokens_in != null) facts.push(["tokens", `${count(of.tokens_in)} read, ${count(of.tokens_out)} written`]);
  return facts;
}

/** What else there is to say first of a run that stands alone: what a proof cost, and how the other searches ended. */
function aloneCards(run) {
  const of = run.proof_costs;
  const costs = Object.entries(of)
    .filter(([, at]) => at.proofs > 0)
    .map(([cost, at]) => [
      WORDS[cost],
      `${amount(cost, at.median)} (${amount(cost, at.lower)} – ${amount(cost, at.upper)})`,
    ]);
  const pairs = (rows) =>
    element(
      "dl",
      {},
      rows.map(([name, text]) => [element("dt", {}, name), element("dd", {}, text)]),
    );
  const cost = element(
    "article",
    { class: "card aside" },
    element("h3", {}, "A proof took"),
    element("p", { class: "big" }, element("b", {}, duration(of.seconds.median)), " in the median"),
    element("p", { class: "soft" }, "Medians and quartiles of the proofs"),
    pairs(costs),
  );
  const others = Object.entries(run.endings).filter(([ending]) => ending !== "proved");
  const rest = element(
    "article",
    { class: "card aside" },
    element("h3", {}, "Not proved"),
    element("p", { class: "big" }, element("b", {}, count(run.theorems - run.proved)), ` of ${count(run.theorems)}`),
    others.length
      ? pairs(others.map(([ending, size]) => [count(size), ending.replace("model_calls", "model calls")]))
      : element("p", { class: "soft" }, "Every search ended with a proof."),
  );
  return run.proved ? [cost, rest] : [rest];
}
