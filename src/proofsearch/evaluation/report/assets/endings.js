// Where the time went, how searches ended, and what became of their steps.

function timeSection(place, data) {
  const runs = data.evaluation.runs
    .map((run, at) => ({ name: data.names[at], time: run.time }))
    .filter((run) => run.time.seconds > 0);
  if (!runs.length) {
    put(place, empty("No search measured where its time went."));
    return;
  }
  const parts = [...new Set(runs.flatMap((run) => Object.keys(run.time.parts)))];
  put(
    place,
    element(
      "p",
      { class: "lead" },
      "Wall time of all searches together: the generator’s suggestions, the prover’s steps, the scorer’s values, the search itself, and the independent verification of what was found.",
    ),
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
  put(
    place,
    element(
      "p",
      { class: "lead" },
      "A search ends proved, at a limit, with nothing left to expand, or because something went wrong.",
    ),
    legend(endings.map((ending) => [words(ending), endingColour(ending)])),
    drawn((width) =>
      shareBars(
        width,
        runs.map((run, at) => ({ name: data.names[at], parts: run.endings })),
        endingColour,
        words,
        (part) => `${count(part.size)} searches, ${percent(part.share)}`,
      ),
    ),
    figures(
      table(
        "Searches by how they ended",
        ["ending", ...data.names],
        endings.map((ending) => [words(ending), ...runs.map((run) => count(run.endings[ending] ?? 0))]),
      ),
    ),
    element("h3", {}, "What became of the steps"),
  );
  const recorded = runs
    .map((run, at) => ({ name: data.names[at], parts: run.steps }))
    .filter((run) => Object.keys(run.parts).length);
  if (!recorded.length) {
    put(place, empty("No search was recorded (--no-trajectories), so single steps are not known."));
    return;
  }
  const outcomes = Object.keys(STEP_COLOURS).filter((outcome) => recorded.some((run) => run.parts[outcome]));
  const named = (outcome) => outcome.replace("_", " ");
  put(
    place,
    legend(outcomes.map((outcome) => [named(outcome), STEP_COLOURS[outcome]])),
    drawn((width) =>
      shareBars(
        width,
        recorded,
        (outcome) => STEP_COLOURS[outcome] ?? "#888",
        named,
        (part) => `${count(part.size)} steps, ${percent(part.share)}`,
      ),
    ),
    figures(
      table(
        "Recorded steps by outcome",
        ["outcome", ...recorded.map((run) => run.name)],
        outcomes.map((outcome) => [named(outcome), ...recorded.map((run) => count(run.parts[outcome] ?? 0))]),
      ),
    ),
  );
}
