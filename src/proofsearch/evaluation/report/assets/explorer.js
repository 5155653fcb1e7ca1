// Walks through a search tree: which one is shown, which node is selected, what is found.

/** The tools, the canvas and the panel of one tree at a time. */
class Explorer {
  constructor(data) {
    this.data = data;
    this.unpacked = new Map();
    this.colour =
      data.trees.length && data.evaluation.runs.some((run) => run.scorer !== "logprob") ? "value" : "logprob";
    this.canvas = new TreeCanvas({
      select: (node) => this.select(node, false),
      toggle: (node) => this.toggle(node),
      widen: (node) => this.widen(node),
      hover: (...at) => this.hover(...at),
    });
    this.side = element("aside", { class: "details", "aria-label": "The selected state", tabindex: -1 });
    this.tip = element("div", { class: "tip", hidden: true });
    this.status = element("p", { class: "visually-hidden", role: "status" });
    this.legend = element("div", { class: "scale" });
    this.hint = element("p", { class: "hint" }, "Click the tree to zoom with the wheel · double click folds");
    this.tools = new Toolbar(this, data);
    this.element = element(
      "div",
      { class: "explorer" },
      this.tools.element,
      element("div", { class: "canvas" }, this.canvas.element, this.tip, this.legend, this.zoomButtons(), this.hint),
      this.side,
      this.status,
    );
    this.element.explorer = this;
    this.canvas.element.addEventListener("keydown", (event) => this.key(event));
    this.canvas.element.addEventListener("focus", () => (this.hint.hidden = true));
    DARK.addEventListener("change", () => this.drawLegend());
    this.canvas.colourBy(this.colour);
    this.open(data.trees[0].theorem);
  }

  zoomButtons() {
    const button = (text, title, act) =>
      element("button", { type: "button", title, "aria-label": title, click: act }, text);
    return element(
      "div",
      { class: "zoom", role: "group", "aria-label": "Zoom" },
      button("+", "Zoom in", () => this.canvas.scaleBy(1.5)),
      button("−", "Zoom out", () => this.canvas.scaleBy(1 / 1.5)),
      button("Fit", "Fit all", () => this.canvas.fit()),
      button("Full", "Full screen", () =>
        document.fullscreenElement ? document.exitFullscreen() : this.element.requestFullscreen?.(),
      ),
    );
  }

  colourBy(kind) {
    this.colour = kind;
    this.canvas.colourBy(kind);
    this.drawLegend();
  }

  // ------------------------------------------------------------------------------------------------- which is shown

  async open(name, run = null) {
    const trees = this.data.trees.filter((tree) => tree.theorem === name);
    const { theorems } = this.data;
    const proved = (tree) => theorems.runs[tree.run].proved[theorems.name.indexOf(name)];
    const entry = trees.find((tree) => tree.run === run) ?? trees.find(proved) ?? trees[0];
    this.tools.picker.value = name;
    this.opening = entry.id;
    this.tools.runs.replaceChildren(
      ...(this.data.names.length > 1
        ? [
            choiceOf(
              "Run",
              trees.map((tree) => [tree.run, this.data.names[tree.run]]),
              entry.run,
              (chosen) => this.open(name, chosen),
            ),
          ]
        : []),
    );
    if (!this.unpacked.has(entry.id)) this.unpacked.set(entry.id, new SearchTree(await unpacked(entry.id)));
    if (this.opening !== entry.id) return; // another one was asked for meanwhile
    this.entry = entry;
    this.tree = this.unpacked.get(entry.id);
    this.selected = -1;
    this.side.replaceChildren();
    this.tools.leaves.checked = this.tree.leaves;
    this.tools.slider.max = Math.max(1, this.tree.expansions);
    this.tools.proofButton.hidden = this.tree.end < 0;
    this.tellFacts();
    this.find();
    this.show(-1, true);
    this.select(0, false);
    this.element.dataset.shown = entry.id;
  }

  beside(step) {
    const options = [...this.tools.picker.options].map((option) => option.value);
    this.open(options[(options.indexOf(this.entry.theorem) + step + options.length) % options.length]);
  }

  tellFacts() {
    const { theorems } = this.data;
    const at = theorems.name.indexOf(this.entry.theorem);
    const run = theorems.runs[this.entry.run];
    const cut = this.entry.shown < this.entry.nodes ? ` (${count(this.entry.shown)} of them here)` : "";
    const words = theorems.endings[run.ending[at]].replace("model_calls", "model calls");
    this.tools.facts.textContent = `${words} · ${count(run.expansions[at])} expansions · ${count(this.entry.nodes)} states${cut} · ${duration(run.seconds[at])}`;
  }

  /** Draws the tree anew after something was folded or hidden; what is held stays in its place. */
  show(held = this.selected, home = false) {
    this.canvas.show(this.tree, { held });
    if (home) this.canvas.home();
    this.drawLegend();
    this.tools.leaves.checked = this.tree.leaves;
    const until = Math.min(this.tree.until, this.tree.expansions);
    this.tools.slider.value = until;
    this.tools.sliderText.textContent = `${count(until)} of ${count(this.tree.expansions)} expansions`;
  }

  until(expansions) {
    this.tree.until = expansions;
    this.show(0);
  }

  toProof() {
    this.tree.open.fill(0);
    this.tree.unfoldProof();
    this.show(0, true);
    this.select(this.tree.end);
  }

  // ---------------------------------------------------------------------------------------------------- one node

  select(node, move = true) {
    if (!this.canvas.at.has(node)) {
      this.tree.reveal(node);
      if (this.tree.only === null) this.tools.onlyMatches.checked = false;
      this.show(this.selected);
    }
    this.selected = this.canvas.selected = node;
    if (move) this.canvas.center(node);
    this.canvas.request();
    this.side.replaceChildren(...nodeDetails(this.tree, node, (to) => this.select(to)).filter(Boolean));
    this.side.scrollTop = 0;
    this.sayWhere(node);
  }

  sayWhere(node) {
    const { tree } = this;
    const scores =
      node === tree.end
        ? "proved"
        : `value ${figure(tree.data.value[node])}, log-prob ${figure(tree.data.logprob[node])}`;
    this.status.textContent = `${node === 0 ? "the theorem" : tree.tactic(node)}, depth ${tree.depth[node]}, ${scores}, ${tree.children[node].length} children`;
  }

  toggle(node) {
    if (!this.tree.there(node).length) return;
    this.tree.toggle(node);
    this.show(node);
  }

  /** Shows those children of a node too that were not expanded. */
  widen(node) {
    this.tree.wide[node] = 1;
    this.show(node);
  }

  hover(node, x, y) {
    this.tip.hidden = node < 0;
    if (node < 0) return;
    const { tree } = this;
    const text = node === tree.end ? "proved" : tree.data.text[node];
    this.tip.replaceChildren(
      element("b", {}, node === 0 ? "the theorem" : shortened(tree.tactic(node), 80)),
      element(
        "span",
        {},
        node === tree.end ? "" : `value ${figure(tree.data.value[node])} · log-prob ${figure(tree.data.logprob[node])}`,
      ),
      element("code", {}, shortened(text, 160)),
    );
    const right = x > this.canvas.width - 340;
    const low = y > this.canvas.height - 140;
    this.tip.style.left = right ? "" : `${x + 14}px`;
    this.tip.style.right = right ? `${this.canvas.width - x + 14}px` : "";
    this.tip.style.top = low ? "" : `${y + 14}px`;
    this.tip.style.bottom = low ? `${this.canvas.height - y + 14}px` : "";
  }

  // ------------------------------------------------------------------------------------------------------ searching

  find() {
    const query = this.tools.search.value.trim().toLowerCase();
    this.matches = this.tree ? this.tree.find(query) : [];
    this.match = -1;
    this.canvas.matches = new Set(this.matches);
    this.tools.found.textContent = query ? `${count(this.matches.length)} found` : "";
    if (this.tools.onlyMatches.checked || this.tree?.only) this.restrict();
    else this.canvas.request();
  }

  restrict() {
    this.tree.restrict(this.tools.onlyMatches.checked && this.tools.search.value.trim() ? this.matches : null);
    this.show(-1, true);
  }

  next(step) {
    if (!this.matches.length) return;
    this.match = (this.match + step + (this.match < 0 && step < 0 ? 1 : 0) + this.matches.length) % this.matches.length;
    this.select(this.matches[this.match]);
    this.tools.found.textContent = `${count(this.match + 1)} of ${count(this.matches.length)}`;
  }

  // ------------------------------------------------------------------------------------------------------- keyboard

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // What is selected may have been folded away: then what it is folded into counts.
    const seen = this.tree?.path(this.selected).findLast((node) => this.canvas.at.has(node));
    const at = this.canvas.at.get(seen);
    const acts = {
      ArrowRight: () => (at.children ? this.select(this.nearest(at.children, at).data) : this.toggle(at.data)),
      ArrowLeft: () => at.parent && this.select(at.parent.data),
      ArrowUp: () => this.vertically(at, -1),
      ArrowDown: () => this.vertically(at, 1),
      Home: () => this.select(0),
      Enter: () => this.toggle(at.data),
      " ": () => this.toggle(at.data),
      "+": () => this.canvas.scaleBy(1.4),
      "=": () => this.canvas.scaleBy(1.4),
      "-": () => this.canvas.scaleBy(1 / 1.4),
      0: () => this.canvas.fit(),
      "/": () => this.tools.search.focus(),
      p: () => this.alongProof(),
      Escape: () => this.side.focus(),
    };
    const act = acts[event.key];
    if (!act || !at) return;
    event.preventDefault();
    if (seen !== this.selected) this.select(seen);
    act();
  }

  /** The child on the proof, else the one in the middle. */
  nearest(nodes, at) {
    return nodes.find((node) => this.tree.onProof[node.data]) ?? d3.least(nodes, (node) => Math.abs(node.x - at.x));
  }

  vertically(at, step) {
    const level = this.canvas.nodes.filter((node) => node.depth === at.depth && step * (node.x - at.x) > 0);
    const next = d3.least(level, (node) => step * node.x);
    if (next) this.select(next.data);
  }

  alongProof() {
    if (this.tree.end < 0) return;
    const proof = this.tree.path(this.tree.end);
    this.select(proof[(proof.indexOf(this.selected) + 1) % proof.length]);
  }

  drawLegend() {
    const { domain } = this.canvas;
    const name = COLOURS.find(([kind]) => kind === this.colour)[1].toLowerCase();
    if (!domain) {
      this.legend.replaceChildren(element("span", { class: "soft" }, `no state here has a ${name}`));
      return;
    }
    const strip = element("i", { "aria-hidden": "true" });
    strip.style.background = `linear-gradient(to right, ${d3
      .range(0, 1.01, 0.1)
      .map((part) => this.canvas.shade(part))
      .join(", ")})`;
    const end = (value) => (this.colour === "expansion" ? count(Math.round(value) + 1) : figure(value));
    this.legend.replaceChildren(
      element("span", {}, name),
      element("span", { class: "soft" }, end(domain[0])),
      strip,
      element("span", { class: "soft" }, end(domain[1])),
    );
  }
}
