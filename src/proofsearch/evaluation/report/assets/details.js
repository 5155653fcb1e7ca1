// What is known of one node of a search tree: state, scores, the way to it, its children, and what failed.

const LABEL_WORDS = ["unknown", "leads to a proof", "searched in vain"];
const ROWS_OF_CHILDREN = 60;

/** The panel's content for a node; `go(node)` selects another one. */
function nodeDetails(tree, node, go) {
  const { data } = tree;
  if (node === tree.end) return endDetails(tree, node, go);
  const facts = [
    ["log-prob", figure(data.logprob[node])],
    ["value", figure(data.value[node])],
    ["priority", figure(data.priority[node])],
    ["open goals", count(data.goals[node])],
    ["depth", count(tree.depth[node])],
    ["met after", duration(data.seconds[node])],
    ["expanded", data.expansion[node] < 0 ? "no" : `no. ${count(data.expansion[node] + 1)}`],
    ["label", LABEL_WORDS[data.label[node]] + (data.remaining[node] > 0 ? `, ${data.remaining[node]} to go` : "")],
  ];
  return [
    heading(tree, node),
    element("pre", { class: "state", tabindex: 0, "aria-label": "State" }, data.text[node]),
    element(
      "dl",
      {},
      facts.map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, text))),
    ),
    wayTo(tree, node, go),
    childrenOf(tree, node, go),
    failedSteps(tree, node),
    otherWays(tree, node, go),
    node === 0 ? slowestSteps(tree, go) : null,
  ];
}

function heading(tree, node) {
  const pills = [
    tree.onProof[node] ? element("span", { class: "pill proof" }, "on the proof") : null,
    node === 0 ? element("span", { class: "pill" }, "root") : null,
  ];
  return element(
    "header",
    {},
    element("h3", {}, node === 0 ? "The theorem, untouched" : element("code", {}, tree.tactic(node))),
    element("p", { class: "soft" }, node === 0 ? null : `step of log-prob ${figure(tree.step(node))} `, pills),
  );
}

function endDetails(tree, node, go) {
  return [
    element(
      "header",
      {},
      element("h3", {}, element("code", {}, tree.tactic(node))),
      element(
        "p",
        { class: "soft" },
        `step of log-prob ${figure(tree.step(node))} `,
        element("span", { class: "pill proof" }, "proved"),
      ),
    ),
    element("p", { class: "soft" }, "No goal is left, and an independent check accepted the proof."),
    wayTo(tree, node, go),
  ];
}

function wayTo(tree, node, go) {
  if (node === 0) return null;
  const steps = tree
    .path(node)
    .slice(1)
    .map((at) =>
      element(
        "li",
        {},
        at === node ? element("b", {}, element("code", {}, tree.tactic(at))) : jump(tree.tactic(at), at, go),
      ),
    );
  return element(
    "details",
    { open: steps.length <= 12 },
    element("summary", {}, `Way from the root (${steps.length} step${steps.length === 1 ? "" : "s"})`),
    element("ol", { class: "way" }, element("li", { value: 0 }, jump("the theorem", 0, go)), steps),
  );
}

function jump(text, node, go) {
  return element("button", { type: "button", class: "link", click: () => go(node) }, element("code", {}, text));
}

function childrenOf(tree, node, go) {
  const children = tree.children[node];
  if (!children.length) return null;
  const rows = children
    .slice(0, ROWS_OF_CHILDREN)
    .map((child) =>
      element(
        "tr",
        { class: tree.onProof[child] ? "proof" : null },
        element("th", { scope: "row" }, jump(tree.tactic(child), child, go)),
        element("td", { class: "number" }, figure(tree.step(child))),
        element("td", { class: "number" }, child === tree.end ? "proved" : figure(tree.data.value[child])),
        element("td", { class: "number" }, tree.below[child] ? count(tree.below[child]) : ""),
      ),
    );
  const heads = ["tactic", "log-prob", "value", "below"].map((name, at) =>
    element("th", { scope: "col", class: at ? "number" : null }, name),
  );
  return element(
    "details",
    { open: true },
    element("summary", {}, `Children (${count(children.length)})`),
    element("table", { class: "children" }, element("thead", {}, element("tr", {}, heads)), element("tbody", {}, rows)),
    children.length > rows.length
      ? element(
          "p",
          { class: "soft" },
          `and ${count(children.length - rows.length)} more; the search above finds them by tactic`,
        )
      : null,
  );
}

function slowestSteps(tree, go) {
  const { slowest, strings } = tree.data;
  if (!slowest.length) return null;
  return element(
    "details",
    {},
    element("summary", {}, "Slowest steps of the search"),
    element(
      "ul",
      { class: "slowest" },
      slowest.map(([source, outcome, tactic, seconds]) =>
        element(
          "li",
          {},
          jump(strings[tactic], source, go),
          element("span", { class: "soft" }, ` ${OUTCOMES[outcome]} after ${duration(seconds)}`),
        ),
      ),
    ),
  );
}

function failedSteps(tree, node) {
  const ends = tree.data.ends.filter(([source], at) => source === node && at !== tree.data.finish);
  if (!ends.length) return null;
  const kinds = [
    ...d3.rollup(
      ends,
      (rows) => rows.length,
      ([, outcome]) => outcome,
    ),
  ].map(([outcome, size]) => `${count(size)} ${OUTCOMES[outcome]}`);
  return element(
    "details",
    {},
    element("summary", {}, `Steps to nowhere (${kinds.join(", ")})`),
    element(
      "ul",
      { class: "failed" },
      ends
        .slice(0, ROWS_OF_CHILDREN)
        .map(([, outcome, tactic, logprob, message]) =>
          element(
            "li",
            {},
            element("code", {}, tree.data.strings[tactic]),
            element("span", { class: "soft" }, ` ${OUTCOMES[outcome]}, log-prob ${figure(logprob)}`),
            message >= 0 && tree.data.strings[message] ? element("pre", {}, tree.data.strings[message]) : null,
          ),
        ),
    ),
    ends.length > ROWS_OF_CHILDREN
      ? element("p", { class: "soft" }, `and ${count(ends.length - ROWS_OF_CHILDREN)} more`)
      : null,
  );
}

function otherWays(tree, node, go) {
  const ways = tree.data.also.filter(([target]) => target === node);
  if (!ways.length) return null;
  return element(
    "details",
    {},
    element("summary", {}, `Also reached from (${count(ways.length)})`),
    element(
      "ul",
      { class: "way" },
      ways
        .slice(0, ROWS_OF_CHILDREN)
        .map(([, source, tactic]) =>
          element(
            "li",
            {},
            jump(source === 0 ? "the theorem" : tree.tactic(source), source, go),
            " by ",
            element("code", {}, tree.data.strings[tactic]),
          ),
        ),
    ),
  );
}
