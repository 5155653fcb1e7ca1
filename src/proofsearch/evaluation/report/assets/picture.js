// The picture of a search tree: where its nodes stand, how they are coloured, and how they are drawn.

// Units between rows, and least and most between columns.
const ROW = 23;
const NARROW = 56;
const WIDE = 190;

// Pixels at the left of the root.
const MARGIN = 36;

// Different colours of nodes.
const SHADES = 40;
const PROOF_COLOUR = "#e0337a";

// Zooms: from which there are labels, that a tree is shown at first, and that columns are not stretched beyond.
const LABELS_FROM = 0.55;
const LEGIBLE = 0.9;
const SPARSE = 1.5;

// Pixels of the smallest labels.
const SMALLEST_PRINT = 10;

/**
 * A tree is laid out in units, downwards `x` and to the right `y`, as d3 has it; on the screen they are scaled by the
 * zoom. A tree that is zoomed out so far that it leaves room at its right stays as wide as the canvas: of many thousand
 * states below each other nothing could be seen otherwise.
 */
class TreePicture {
  constructor(canvas) {
    this.element = canvas;
    this.context = canvas.getContext("2d");
    this.transform = d3.zoomIdentity;
    this.nodes = [];
    this.at = new Map();
    this.selected = -1;
    this.hovered = -1;
    this.matches = new Set();
    DARK.addEventListener("change", () => (this.colourAll(), this.request()));
  }

  // --------------------------------------------------------------------------------------------- where things stand

  fittingDown() {
    return (this.height || 600) / (this.box.bottom - this.box.top + 3 * ROW);
  }

  fittingAcross() {
    return ((this.width || 800) - MARGIN) / (this.box.right + this.tree.column + 70);
  }

  /** Pixels a unit to the right. */
  get scaleAcross() {
    return Math.max(this.transform.k, this.filling());
  }

  /** Pixels a unit to the right at which a tree takes the canvas' width, unless that made it too sparse. */
  filling() {
    return Math.min(SPARSE, this.fittingAcross());
  }

  /** Notes where each node stands on the screen. */
  place() {
    const [{ x, y, k }, scale] = [this.transform, this.scaleAcross];
    for (const node of this.nodes) {
      node.across = x + scale * node.y;
      node.down = y + k * node.x;
    }
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
    const scores = this.tree
      .candidates()
      .map((node) => this.tree.score(node, this.kind))
      .filter((score) => score != null)
      .sort(d3.ascending);
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
    const { context } = this;
    const names = ["--canvas", "--ink", "--soft", "--link", "--accent", "--pill", "--unscored", "--match"];
    this.inks = Object.fromEntries(names.map((name) => [name.slice(2), this.style.getPropertyValue(name)]));
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    this.place();
    this.drawLinks();
    this.drawNodes();
    if (this.transform.k >= LABELS_FROM) this.drawLabels();
  }

  isSeen(node) {
    return node.down > -60 && node.down < this.height + 60 && node.across > -200 && node.across < this.width + 200;
  }

  drawLinks() {
    const { context, transform, tree } = this;
    const proof = [];
    context.beginPath();
    for (const node of this.nodes) {
      const { parent } = node;
      if (!parent || Math.max(node.down, parent.down) < 0 || Math.min(node.down, parent.down) > this.height) continue;
      if (tree.onProof[node.data]) proof.push(node);
      else this.link(node, parent);
    }
    context.lineWidth = Math.max(0.6, Math.min(1.2, transform.k));
    context.strokeStyle = this.inks.link;
    context.globalAlpha = transform.k < 0.05 ? 0.35 : 1;
    context.stroke();
    context.globalAlpha = 1;
    context.beginPath();
    for (const node of proof) this.link(node, node.parent);
    context.lineWidth = Math.max(2, 3.5 * Math.min(1.2, transform.k));
    context.strokeStyle = PROOF_COLOUR;
    context.stroke();
  }

  link(node, parent) {
    const { context } = this;
    context.moveTo(parent.across, parent.down);
    if (this.transform.k < 0.06) return context.lineTo(node.across, node.down);
    const middle = parent.across + (node.across - parent.across) * 0.45;
    context.bezierCurveTo(middle, parent.down, middle, node.down, node.across, node.down);
  }

  radius(node) {
    const at = node.data;
    const plain = at === this.tree.end ? 7 : this.tree.isExpanded(at) ? 5.5 : 3.5;
    return Math.max(1.1, plain * this.transform.k);
  }

  drawNodes() {
    const { context, tree, inks } = this;
    const small = this.transform.k < 0.3;
    this.bins.forEach((nodes, at) => {
      this.outline(nodes, small);
      context.fillStyle = at === SHADES ? inks.unscored : this.shade((at + 0.5) / SHADES);
      context.fill();
      if (small) return;
      context.strokeStyle = inks.canvas;
      context.lineWidth = 1;
      context.stroke();
    });
    const proof = this.nodes.filter((node) => tree.onProof[node.data]);
    this.ring(proof, PROOF_COLOUR, 2.5);
    this.ring(
      this.nodes.filter((node) => this.matches.has(node.data)),
      inks.match,
      3,
    );
    const end = this.at.get(tree.end);
    if (end) {
      this.outline([end], false);
      context.fillStyle = PROOF_COLOUR;
      context.fill();
    }
    const selected = this.at.get(this.selected);
    if (!selected) return;
    context.beginPath();
    context.arc(selected.across, selected.down, this.radius(selected) + 4, 0, 2 * Math.PI);
    context.strokeStyle = inks.accent;
    context.lineWidth = 3;
    context.stroke();
  }

  outline(nodes, small) {
    const { context } = this;
    context.beginPath();
    for (const node of nodes) {
      if (!this.isSeen(node)) continue;
      const radius = this.radius(node);
      if (small) context.rect(node.across - radius, node.down - radius, 2 * radius, 2 * radius);
      else {
        context.moveTo(node.across + radius, node.down);
        context.arc(node.across, node.down, radius, 0, 2 * Math.PI);
      }
    }
  }

  ring(nodes, colour, width) {
    const { context } = this;
    this.outline(nodes, this.transform.k < 0.3);
    context.strokeStyle = colour;
    context.lineWidth = Math.max(1.2, width * Math.min(1.2, this.transform.k));
    context.stroke();
  }

  drawLabels() {
    const { context, tree, inks } = this;
    const size = Math.min(1.5, this.transform.k);
    context.lineJoin = "round";
    context.textBaseline = "middle";
    const print = Math.max(SMALLEST_PRINT, 12 * size);
    context.font = `${print}px ${this.style.fontFamily}`;
    const letters = Math.min(24, Math.floor((tree.column * this.scaleAcross) / (0.62 * print)));
    for (const node of this.nodes) {
      node.pill = node.label = null;
      if (!this.isSeen(node)) continue;
      const hidden = this.hidden(node.data);
      const tactic = node.data === 0 ? "" : tree.tactic(node.data);
      if (node.children) {
        // Above the line that leads here, so that it stays clear of the lines that lead on.
        const text = shortened(tactic, letters);
        const y = node.down - 11.5 * size;
        this.write(text, node.across + 3, y, "end", inks.ink);
        const begin = node.across - 3 - context.measureText(text).width;
        node.label = { x: begin - 8, y, width: node.across - begin };
        // That some children are left out is told of one node at a time: of all it would fill the picture.
        if (hidden && (node.data === this.hovered || node.data === this.selected))
          this.pill(node, hidden, begin - this.pillWidth(hidden), y, size);
      } else {
        const ends = node.data === tree.end;
        const text = ends ? `${shortened(tactic, 18)}  ✓ proved` : shortened(tactic, hidden ? 17 : 24);
        const x = node.across + this.radius(node) + (ends || node.data === this.selected ? 9 : 5) * size;
        this.write(text, x, node.down, "start", ends ? PROOF_COLOUR : inks.ink);
        node.label = { x: node.across, y: node.down, width: x + context.measureText(text).width + 8 - node.across };
        if (hidden) this.pill(node, hidden, x + context.measureText(text).width + 6 * size, node.down, size);
      }
    }
  }

  write(text, x, y, align, colour) {
    const { context } = this;
    context.textAlign = align;
    context.strokeStyle = this.inks.canvas;
    context.lineWidth = 3.5;
    context.strokeText(text, x, y);
    context.fillStyle = colour;
    context.fillText(text, x, y);
  }

  /** Says how much is folded away; a click on it brings it out. */
  pill(node, hidden, x, y, size) {
    const { context } = this;
    const [width, height] = [this.pillWidth(hidden), 15 * size];
    context.fillStyle = this.inks.pill;
    context.beginPath();
    context.roundRect(x, y - height / 2, width, height, height / 2);
    context.fill();
    context.textAlign = "start";
    context.fillStyle = this.inks.soft;
    context.fillText(`+${count(hidden)}`, x + 5, y + 0.5);
    node.pill = { x, y, width, height };
  }

  pillWidth(hidden) {
    return this.context.measureText(`+${count(hidden)}`).width + 10;
  }

  /** How many nodes below are not to be seen: of a folded node all, else its own children that are left out. */
  hidden(node) {
    const there = this.tree.there(node);
    if (!there.length) return 0;
    const seen = this.at.get(node).children;
    return seen ? there.length - seen.length : this.tree.below[node];
  }
}
