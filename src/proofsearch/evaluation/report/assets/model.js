// A search tree: who is below whom, what is folded, and what therefore is to be seen. Knows nothing of drawing.

const OUTCOMES = ["advanced", "finished", "rejected", "timed out", "crashed", "refused"];

/** With more nodes than this, those that were not expanded begin hidden. */
const SMALL_TREE = 200;

/** So many expanded nodes begin unfolded. */
const UNFOLDED_AT_FIRST = 250;

/**
 * The tree of best ways through a recorded search. Nodes are numbers, 0 the root; the step that finished the proof leads
 * to a node of its own, `end`, the last number, or -1 where there is none.
 */
class SearchTree {
  constructor(data) {
    this.data = data;
    const states = data.parent.length;
    this.end = data.finish >= 0 ? states : -1;
    this.size = states + (this.end >= 0 ? 1 : 0);
    this.children = Array.from({ length: this.size }, () => []);
    for (let node = 1; node < states; node++) this.children[data.parent[node]].push(node);
    if (this.end >= 0) this.children[data.ends[data.finish][0]].push(this.end);
    this.expansions = d3.max(data.expansion) + 1;
    this.onProof = new Uint8Array(this.size);
    for (const node of data.proof) this.onProof[node] = 1;
    if (this.end >= 0) this.onProof[this.end] = 1;
    this.depth = new Int32Array(this.size);
    this.below = new Int32Array(this.size);
    const order = this.preorder();
    for (const node of order) for (const child of this.children[node]) this.depth[child] = this.depth[node] + 1;
    for (const node of order.reverse())
      for (const child of this.children[node]) this.below[node] += 1 + this.below[child];
    this.open = new Uint8Array(this.size);
    this.wide = new Uint8Array(this.size);
    this.leaves = this.size <= SMALL_TREE;
    this.until = this.expansions;
    this.only = null;
    this.foldAtFirst();
  }

  preorder() {
    const order = [];
    const stack = [0];
    while (stack.length) {
      const node = stack.pop();
      order.push(node);
      for (let at = this.children[node].length - 1; at >= 0; at--) stack.push(this.children[node][at]);
    }
    return order;
  }

  parent(node) {
    return node === this.end ? this.data.ends[this.data.finish][0] : this.data.parent[node];
  }

  /** From the root to the node, both included. */
  path(node) {
    const path = [];
    for (let at = node; at >= 0; at = this.parent(at)) path.push(at);
    return path.reverse();
  }

  tactic(node) {
    if (node === 0) return "";
    return this.data.strings[node === this.end ? this.data.ends[this.data.finish][2] : this.data.tactic[node]];
  }

  step(node) {
    return node === this.end ? this.data.ends[this.data.finish][3] : this.data.step[node];
  }

  /** What a node is coloured by; `null` where it has none. */
  score(node, kind) {
    if (node === this.end) return null;
    if (kind === "expansion") return this.data.expansion[node] < 0 ? null : this.data.expansion[node];
    return this.data[kind][node];
  }

  isExpanded(node) {
    return node !== this.end && this.data.expansion[node] >= 0 && this.data.expansion[node] < this.until;
  }

  /** Whether the search had met the node after the expansions that are shown. */
  isMet(node) {
    return node === this.end ? this.until === this.expansions : this.data.born[node] < this.until;
  }

  /** The children that are there at all: met, and on the way to a match where only matches are wanted. */
  there(node) {
    return this.isExpanded(node)
      ? this.children[node].filter((child) => this.isMet(child) && (this.only === null || this.only.has(child)))
      : [];
  }

  isShown(child) {
    return (
      this.leaves || this.only !== null || this.isExpanded(child) || this.onProof[child] === 1 || child === this.pinned
    );
  }

  /** The children that are to be seen. */
  shown(node) {
    if (!this.open[node]) return [];
    return this.wide[node] ? this.there(node) : this.there(node).filter((child) => this.isShown(child));
  }

  foldAtFirst() {
    this.open.fill(0);
    this.unfoldProof();
    this.data.expansion.forEach((at, node) => {
      if (at >= 0 && at < UNFOLDED_AT_FIRST) this.open[node] = 1;
    });
  }

  unfoldAll() {
    this.open.fill(1);
  }

  foldAll() {
    this.open.fill(0);
    this.wide.fill(0);
    this.open[0] = 1;
  }

  unfoldProof() {
    this.open[0] = 1;
    for (const node of this.data.proof) this.open[node] = 1;
  }

  /** Makes a node visible: unfolds what is above it, and shows it even if it was not expanded. */
  reveal(node) {
    if (!this.isMet(node)) this.until = this.expansions;
    if (this.only !== null && !this.only.has(node)) this.only = null;
    for (const above of this.path(node).slice(0, -1)) {
      this.open[above] = 1;
      if (!this.isExpanded(above)) this.until = this.expansions;
    }
    this.pinned = node;
  }

  /** Folds a node, or unfolds it: so that something shows, even if none of its children was expanded. */
  toggle(node) {
    const folded = !this.shown(node).length;
    this.open[node] = folded ? 1 : 0;
    this.wide[node] = folded && !this.shown(node).length ? 1 : 0;
  }

  /** The nodes whose tactic or state has the text, in the tree's order. */
  find(query) {
    if (!query) return [];
    this.lower ??= Array.from({ length: this.size }, (_, node) =>
      `${this.tactic(node)}\n${node === this.end ? "" : this.data.text[node]}`.toLowerCase(),
    );
    return this.preorder().filter((node) => this.lower[node].includes(query));
  }

  /** Shows only these nodes and the ways to them; all where there are none. */
  restrict(nodes) {
    this.only = null;
    if (!nodes) return;
    this.only = new Set(nodes.flatMap((node) => this.path(node)));
    for (const node of this.only) this.open[node] = 1;
  }

  /** The nodes that can be seen as things are set, folded ones included: what colours are spread over. */
  candidates() {
    const all = d3.range(this.size);
    return this.leaves
      ? all
      : all.filter((node) => this.onProof[node] || (node !== this.end && this.data.expansion[node] >= 0));
  }

  /** What is to be seen, laid out: d3 nodes with `data` the node, `x` downwards and `y` to the right, in units. */
  layout(row, column) {
    return d3
      .tree()
      .nodeSize([row, column])
      .separation(() => 1)(d3.hierarchy(0, (node) => this.shown(node)));
  }
}
