// Draws a search tree on a canvas, however large: zoom, pan, hit test. Says what was clicked, and decides nothing.

const ROW = 23;
const NARROW = 84;
const WIDE = 190;
const SHADES = 40;
const PROOF_COLOUR = "#e0337a";
const LABELS_FROM = 0.55;
const LEGIBLE = 0.9;

class TreeCanvas {
  /** `told` has `select(node)`, `toggle(node)`, `widen(node)` and `hover(node, x, y)`; node -1 is none. */
  constructor(told) {
    this.told = told;
    this.element = element("canvas", {
      tabindex: 0,
      role: "application",
      "aria-label": "Search tree. Arrow keys move, Enter folds and unfolds, plus and minus zoom, 0 fits, slash searches, P goes along the proof.",
    });
    this.context = this.element.getContext("2d");
    this.transform = d3.zoomIdentity;
    this.nodes = [];
    this.selected = -1;
    this.matches = new Set();
    this.zoom = d3
      .zoom()
      // The page has to stay scrollable: the wheel zooms once the tree has the focus.
      .filter((event) => (event.type === "wheel" ? event.ctrlKey || document.activeElement === this.element : !event.button && event.type !== "dblclick"))
      .on("zoom", (event) => {
        this.transform = event.transform;
        this.request();
      });
    const selection = d3.select(this.element).call(this.zoom);
    selection.on("click", (event) => this.clicked(event)).on("dblclick", (event) => this.doubleClicked(event));
    selection.on("pointermove", (event) => this.moved(event)).on("pointerleave", () => told.hover(-1));
    new ResizeObserver(() => this.resize()).observe(this.element);
    DARK.addEventListener("change", () => (this.colourAll(), this.request()));
  }

  resize() {
    const { clientWidth, clientHeight } = this.element;
    if (!clientWidth || (clientWidth === this.width && clientHeight === this.height)) return;
    const first = !this.width;
    [this.width, this.height] = [clientWidth, clientHeight];
    this.element.width = clientWidth * devicePixelRatio;
    this.element.height = clientHeight * devicePixelRatio;
    if (first && this.tree) this.home();
    this.draw();
  }

  /** Lays the tree out anew. `held` stays where it is on the screen. */
  show(tree, { held = -1 } = {}) {
    const before = held >= 0 ? this.at?.get(held) : null;
    this.tree = tree;
    // As wide as most tactics need, and no wider.
    tree.column ??= Math.min(WIDE, NARROW + 7 * d3.quantile(d3.range(1, tree.size), 0.85, (node) => Math.min(24, tree.tactic(node).length)) - 28) || NARROW;
    const root = tree.layout(ROW, tree.column);
    this.nodes = root.descendants();
    this.at = new Map(this.nodes.map((node) => [node.data, node]));
    this.box = { top: d3.min(this.nodes, (node) => node.x), bottom: d3.max(this.nodes, (node) => node.x), right: d3.max(this.nodes, (node) => node.y) };
    this.index = d3.quadtree(this.nodes, (node) => node.y, (node) => node.x);
    this.zoom.scaleExtent([Math.min(0.2, this.fitting() * 0.8), 5]);
    this.colourAll();
    const after = before ? this.at.get(held) : null;
    if (after) this.move(this.transform.translate(before.y - after.y, before.x - after.x));
    this.request();
  }

  fitting() {
    const { top, bottom, right } = this.box;
    return Math.min((this.width || 800) / (right + this.tree.column + 110), (this.height || 600) / (bottom - top + 4 * ROW));
  }

  move(transform) {
    d3.select(this.element).call(this.zoom.transform, transform);
  }

  fit() {
    const scale = Math.min(1, this.fitting());
    const { top, bottom } = this.box;
    this.move(d3.zoomIdentity.translate(40 * Math.min(1, scale) + 12, this.height / 2 - (scale * (top + bottom)) / 2).scale(scale));
  }

  /** All of a tree that fits legibly; else its root at a legible size. */
  home() {
    if (this.fitting() >= LEGIBLE) this.fit();
    else this.move(d3.zoomIdentity.translate(40, this.height / 2 - LEGIBLE * this.at.get(0).x).scale(LEGIBLE));
  }

  scaleBy(factor) {
    d3.select(this.element).call(this.zoom.scaleBy, factor);
  }

  /** Brings a node into view; to the middle if it is far. */
  center(node) {
    const at = this.at.get(node);
    if (!at) return;
    const [x, y] = this.transform.apply([at.y, at.x]);
    const scale = Math.max(this.transform.k, LABELS_FROM + 0.1);
    if (scale === this.transform.k && x > 60 && x < this.width - 160 && y > 40 && y < this.height - 40) return this.request();
    this.move(d3.zoomIdentity.translate(this.width * 0.4 - scale * at.y, this.height / 2 - scale * at.x).scale(scale));
  }

  // ------------------------------------------------------------------------------------------------------- colours

  colourBy(kind) {
    this.kind = kind;
    this.colourAll();
    this.request();
  }

  shade(part) {
    return d3.interpolateViridis(DARK.matches ? 0.14 + 0.86 * part : 0.94 * part);
  }

  /** Puts the nodes into bins of one colour, which are drawn at one go. */
  colourAll() {
    if (!this.tree) return;
    const scores = this.tree.candidates().map((node) => this.tree.score(node, this.kind)).filter((score) => score != null).sort(d3.ascending);
    // One far-off score must not make all others alike.
    this.domain = scores.length ? [d3.quantileSorted(scores, 0.02), d3.quantileSorted(scores, 0.98)] : null;
    this.bins = Array.from({ length: SHADES + 1 }, () => []);
    for (const node of this.nodes) {
      if (node.data === this.tree.end) continue;
      const score = this.tree.score(node.data, this.kind);
      this.bins[score == null || !this.domain ? SHADES : this.bin(score)].push(node);
    }
    this.style = getComputedStyle(this.element);
  }

  bin(score) {
    const [low, high] = this.domain;
    const part = high > low ? (score - low) / (high - low) : 0.5;
    return Math.max(0, Math.min(SHADES - 1, Math.floor(part * SHADES)));
  }

  // ------------------------------------------------------------------------------------------------------- drawing

  request() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    if (!this.tree || !this.width) return;
    const { context, transform } = this;
    const colour = (name) => this.style.getPropertyValue(name);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    context.translate(transform.x, transform.y);
    context.scale(transform.k, transform.k);
    const [left, top] = transform.invert([0, 0]);
    const [right, bottom] = transform.invert([this.width, this.height]);
    const margin = 60 / transform.k;
    const seen = (node) => node.x > top - margin && node.x < bottom + margin && node.y > left - margin && node.y < right + margin;
    this.drawLinks(top - margin, bottom + margin, left, right, colour);
    this.drawNodes(seen, colour);
    if (transform.k >= LABELS_FROM) this.drawLabels(seen, left, colour);
  }

  drawLinks(top, bottom, left, right, colour) {
    const { context, transform } = this;
    const curved = transform.k > 0.12;
    const proof = [];
    context.beginPath();
    for (const node of this.nodes) {
      const { parent } = node;
      if (!parent) continue;
      if (Math.max(node.x, parent.x) < top || Math.min(node.x, parent.x) > bottom || node.y < left || parent.y > right) continue;
      if (this.tree.onProof[node.data]) proof.push(node);
      else this.link(node, parent, curved);
    }
    context.lineWidth = Math.max(1, 0.6 / transform.k);
    context.strokeStyle = colour("--link");
    context.stroke();
    context.beginPath();
    for (const node of proof) this.link(node, node.parent, curved);
    context.lineWidth = Math.max(3.5, 2 / transform.k);
    context.strokeStyle = PROOF_COLOUR;
    context.stroke();
  }

  link(node, parent, curved) {
    const { context } = this;
    context.moveTo(parent.y, parent.x);
    if (!curved) return context.lineTo(node.y, node.x);
    const middle = parent.y + (node.y - parent.y) * 0.45;
    context.bezierCurveTo(middle, parent.x, middle, node.x, node.y, node.x);
  }

  radius(node) {
    const at = node.data;
    const plain = at === this.tree.end ? 7 : this.tree.isExpanded(at) ? 5.5 : 3.5;
    return Math.max(plain, 1.1 / this.transform.k);
  }

  drawNodes(seen, colour) {
    const { context, transform } = this;
    const small = transform.k < 0.3;
    this.bins.forEach((nodes, at) => {
      context.beginPath();
      for (const node of nodes) {
        if (!seen(node)) continue;
        const radius = this.radius(node);
        if (small) context.rect(node.y - radius, node.x - radius, 2 * radius, 2 * radius);
        else {
          context.moveTo(node.y + radius, node.x);
          context.arc(node.y, node.x, radius, 0, 2 * Math.PI);
        }
      }
      context.fillStyle = at === SHADES ? colour("--unscored") : this.shade((at + 0.5) / SHADES);
      context.fill();
      if (!small) {
        context.strokeStyle = colour("--canvas");
        context.lineWidth = 1;
        context.stroke();
      }
    });
    for (const [nodes, stroke, width] of [
      [this.nodes.filter((node) => this.tree.onProof[node.data]), PROOF_COLOUR, 2.5],
      [this.nodes.filter((node) => this.matches.has(node.data)), colour("--match"), 3],
    ])
      for (const node of nodes) if (seen(node)) this.ring(node, stroke, width, node.data === this.tree.end);
    const selected = this.at.get(this.selected);
    if (selected) {
      context.beginPath();
      context.arc(selected.y, selected.x, this.radius(selected) + 4 / Math.min(1, transform.k), 0, 2 * Math.PI);
      context.strokeStyle = colour("--accent");
      context.lineWidth = Math.max(3, 3 / transform.k);
      context.stroke();
    }
  }

  ring(node, stroke, width, filled) {
    const { context, transform } = this;
    context.beginPath();
    context.arc(node.y, node.x, this.radius(node), 0, 2 * Math.PI);
    context.strokeStyle = stroke;
    context.lineWidth = Math.max(width, 1.6 / transform.k);
    if (filled) {
      context.fillStyle = stroke;
      context.fill();
    }
    context.stroke();
  }

  drawLabels(seen, left, colour) {
    const { context, tree } = this;
    const ink = colour("--ink");
    const soft = colour("--soft");
    context.lineJoin = "round";
    context.textBaseline = "middle";
    context.font = `12px ${this.style.fontFamily}`;
    const write = (text, x, y, align, fill) => {
      context.textAlign = align;
      context.strokeStyle = colour("--canvas");
      context.lineWidth = 3.5;
      context.strokeText(text, x, y);
      context.fillStyle = fill;
      context.fillText(text, x, y);
    };
    for (const node of this.nodes) {
      if (!seen(node)) continue;
      const inner = Boolean(node.children);
      const hidden = this.hidden(node.data);
      const tactic = node.data === 0 ? "" : tree.tactic(node.data);
      if (inner) {
        // Above the line that leads here, so that it stays clear of the lines that lead on.
        const text = shortened(tactic, 24);
        write(text, node.y + 3, node.x - 11.5, "end", ink);
        const width = hidden ? context.measureText(text).width + this.pillWidth(hidden) : 0;
        if (hidden) this.pill(node, hidden, node.y - 3 - width, node.x - 11.5, soft, colour("--pill"));
      } else {
        const text = node.data === tree.end ? `${shortened(tactic, 18)}  ✓ proved` : shortened(tactic, hidden ? 17 : 24);
        const x = node.y + this.radius(node) + 5;
        write(text, x, node.x, "start", node.data === tree.end ? PROOF_COLOUR : ink);
        if (hidden) this.pill(node, hidden, x + context.measureText(text).width + 6, node.x, soft, colour("--pill"));
      }
    }
  }

  /** Says how much is folded away; a click on it brings it out. */
  pill(node, hidden, x, y, ink, ground) {
    const { context } = this;
    const width = this.pillWidth(hidden);
    context.fillStyle = ground;
    context.beginPath();
    context.roundRect(x, y - 7.5, width, 15, 7.5);
    context.fill();
    context.textAlign = "start";
    context.fillStyle = ink;
    context.fillText(`+${count(hidden)}`, x + 5, y + 0.5);
    node.pill = { x, y, width };
  }

  pillWidth(hidden) {
    return this.context.measureText(`+${count(hidden)}`).width + 10;
  }

  /** How many nodes below are not to be seen: of a folded node all, else its own children that are left out. */
  hidden(node) {
    const there = this.tree.there(node);
    if (!there.length) return 0;
    if (!this.tree.open[node] || !this.at.get(node).children) return this.tree.below[node];
    return there.length - this.at.get(node).children.length;
  }

  // ------------------------------------------------------------------------------------------------------- pointer

  /** The node at a pointer, or `null`; and whether the pointer is on what says how much of it is folded. */
  hit(event) {
    const [x, y] = this.transform.invert(d3.pointer(event, this.element));
    if (this.transform.k >= LABELS_FROM)
      for (const node of this.nodes) {
        const { pill } = node;
        if (pill && Math.abs(pill.y - y) < 8 && x >= pill.x && x <= pill.x + pill.width) return [node, true];
      }
    const near = this.index?.find(x, y, 12 / this.transform.k);
    if (near) return [near, false];
    // A click on a label is one on its node.
    const beside = this.transform.k >= LABELS_FROM ? this.index?.find(x - 40, y, 44) : null;
    return [beside && !beside.children && Math.abs(beside.x - y) < 8 && x > beside.y ? beside : null, false];
  }

  clicked(event) {
    this.element.focus({ preventScroll: true });
    const [node, folds] = this.hit(event);
    if (!node) return;
    if (!folds) this.told.select(node.data);
    else if (node.children) this.told.widen(node.data);
    else this.told.toggle(node.data);
  }

  doubleClicked(event) {
    const [node] = this.hit(event);
    if (node) this.told.toggle(node.data);
  }

  moved(event) {
    if (event.buttons) return this.told.hover(-1);
    const [node] = this.hit(event);
    this.element.style.cursor = node ? "pointer" : "grab";
    this.told.hover(node ? node.data : -1, ...d3.pointer(event, this.element));
  }
}
