// The table of theorems: search, filter, sort; the names open the search trees.

const ROWS_AT_ONCE = 100;

function theoremsSection(place, data, openTree) {
  const { theorems } = data;
  const withTree = new Set(data.trees.map((tree) => tree.theorem));
  const lower = theorems.name.map((name, at) => `${name}\n${theorems.statement[at]}`.toLowerCase());
  const columns = tableColumns(data);
  const state = { query: "", show: "all", sort: 0, up: true, rows: ROWS_AT_ONCE };
  const body = element("tbody");
  const tally = element("p", { class: "soft", role: "status" });
  const more = element("button", {
    type: "button",
    class: "plain",
    click: () => ((state.rows += 10 * ROWS_AT_ONCE), fill()),
  });
  const heads = columns.map((column, at) => {
    const button = element("button", { type: "button", click: () => sortBy(at) }, column.title);
    return element("th", { scope: "col", class: column.number ? "number" : null }, button);
  });

  function sortBy(at) {
    state.up = state.sort === at ? !state.up : !columns[at].number;
    state.sort = at;
    fill();
  }

  function fill() {
    const kept = d3
      .range(theorems.name.length)
      .filter((at) => lower[at].includes(state.query) && FILTERS[state.show].keeps(data, at, withTree));
    const { key } = columns[state.sort];
    // Without a value last, whichever way round.
    kept.sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x == null || y == null) return (x == null) - (y == null);
      return state.up ? d3.ascending(x, y) : d3.descending(x, y);
    });
    body.replaceChildren(
      ...kept.slice(0, state.rows).map((at) =>
        element(
          "tr",
          {},
          columns.map((column) =>
            element(
              column.head ? "th" : "td",
              { scope: column.head ? "row" : null, class: column.number ? "number" : (column.className ?? null) },
              column.cell(at),
            ),
          ),
        ),
      ),
    );
    tally.textContent = `${count(kept.length)} of ${count(theorems.name.length)} theorems`;
    more.hidden = kept.length <= state.rows;
    more.textContent = `Show more (${count(kept.length - state.rows)} left)`;
    heads.forEach((head, at) =>
      at === state.sort
        ? head.setAttribute("aria-sort", state.up ? "ascending" : "descending")
        : head.removeAttribute("aria-sort"),
    );
  }

  function nameCell(at) {
    const name = theorems.name[at];
    if (!withTree.has(name)) return name;
    return element(
      "button",
      { type: "button", class: "link", title: "Show the search tree", click: () => openTree(name) },
      name,
    );
  }
  columns[0].cell = nameCell;

  const filters = Object.entries(FILTERS).filter(([, filter]) => filter.useful(data));
  put(
    place,
    element(
      "div",
      { class: "bar" },
      element("input", {
        type: "search",
        placeholder: "Name or statement",
        "aria-label": "Search theorems by name or statement",
        input: (event) => (
          (state.query = event.target.value.trim().toLowerCase()),
          (state.rows = ROWS_AT_ONCE),
          fill()
        ),
      }),
      element(
        "select",
        {
          "aria-label": "Which theorems are shown",
          change: (event) => ((state.show = event.target.value), (state.rows = ROWS_AT_ONCE), fill()),
        },
        filters.map(([key, filter]) => element("option", { value: key }, filter.title)),
      ),
      tally,
    ),
    element(
      "div",
      { class: "scroll tall", tabindex: 0, role: "region", "aria-label": "Theorems" },
      element("table", { class: "rows" }, element("thead", {}, groupHeads(data), element("tr", {}, heads)), body),
    ),
    more,
  );
  fill();
}

const FILTERS = {
  all: { title: "All theorems", useful: () => true, keeps: () => true },
  proved: {
    title: "Proved",
    useful: () => true,
    keeps: (data, at) => data.theorems.runs.some((run) => run.proved[at]),
  },
  unproved: {
    title: "Not proved",
    useful: () => true,
    keeps: (data, at) => !data.theorems.runs.some((run) => run.proved[at]),
  },
  differing: {
    title: "Proved in some runs only",
    useful: (data) => data.names.length > 1,
    keeps: (data, at) => {
      const proved = data.theorems.runs.filter((run) => run.proved[at]).length;
      return proved > 0 && proved < data.names.length;
    },
  },
  remarked: {
    title: "Something was reported",
    useful: (data) => data.theorems.runs.some((run) => Object.keys(run.said).length),
    keeps: (data, at) => data.theorems.runs.some((run) => at in run.said),
  },
  tree: {
    title: "With a search tree",
    useful: (data) => data.trees.length > 0,
    keeps: (data, at, withTree) => withTree.has(data.theorems.name[at]),
  },
};

/** Over the columns of several runs: whose they are. */
function groupHeads(data) {
  if (data.names.length === 1) return null;
  const heads = data.names.map((name, at) => {
    const dot = element("span", { class: "swatch" });
    dot.style.background = runColour(at);
    return element("th", { colspan: 3, scope: "colgroup", class: "group" }, dot, name);
  });
  return element("tr", {}, element("th", { colspan: 2 }), heads);
}

function tableColumns(data) {
  const { theorems } = data;
  const several = data.names.length > 1;
  const columns = [
    { title: "Theorem", head: true, key: (at) => theorems.name[at] },
    {
      title: "Statement",
      className: "statement",
      key: (at) => theorems.statement[at],
      cell: (at) => element("code", { title: theorems.statement[at] }, theorems.statement[at]),
    },
  ];
  theorems.runs.forEach((run) => {
    const words = (at) => (run.ending[at] == null ? null : theorems.endings[run.ending[at]]);
    columns.push({
      title: "Ended",
      className: "ended",
      key: words,
      cell: (at) => {
        if (words(at) == null) return MISSING;
        const dot = element("span", { class: "swatch" });
        dot.style.background = endingColour(words(at));
        const said = run.said[at];
        const short = words(at)
          .replace("stopped at the limit on model_calls", "limit: model calls")
          .replace("stopped at the limit on ", "limit: ");
        return element(
          "span",
          { title: said ?? words(at) },
          dot,
          short,
          said ? element("span", { class: "flag", "aria-label": "with a remark" }, " ⚑") : null,
        );
      },
    });
    columns.push({
      title: several ? "Exp." : "Expansions",
      number: true,
      key: (at) => run.expansions[at],
      cell: (at) => amount("expansions", run.expansions[at]),
    });
    if (!several)
      columns.push({
        title: "States",
        number: true,
        key: (at) => run.nodes[at],
        cell: (at) => amount("nodes", run.nodes[at]),
      });
    if (!several)
      columns.push({
        title: "Proof",
        number: true,
        key: (at) => run.steps[at],
        cell: (at) => (run.steps[at] == null ? MISSING : `${run.steps[at]} steps`),
      });
    columns.push({
      title: "Time",
      number: true,
      key: (at) => run.seconds[at],
      cell: (at) => duration(run.seconds[at]),
    });
  });
  return columns;
}
