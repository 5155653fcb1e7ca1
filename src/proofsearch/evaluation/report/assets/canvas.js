// The picture of a search tree, moved and pointed at. Says what was clicked, and decides nothing.

/** Pixels from a node at which a pointer is still on it. */
const NEAR = 12;

/** A picture with a zoom; tells what is clicked and hovered. */
class TreeCanvas extends TreePicture {
  /** `told` has `select(node)`, `toggle(node)`, `widen(node)` and `hover(node, x, y)`; node -1 is none. */
  constructor(told) {
    super(
      element("canvas", {
        tabindex: 0,
        role: "application",
        "aria-label":
          "Search tree. Arrow keys move, Enter folds and unfolds, plus and minus zoom, 0 fits, slash searches, P goes along the proof.",
      }),
    );
    this.told = told;
    this.zoom = d3
      .zoom()
      // The page has to stay scrollable: the wheel zooms once the tree has the focus.
      .filter((event) =>
        event.type === "wheel"
          ? event.ctrlKey || document.activeElement === this.element
          : !event.button && event.type !== "dblclick",
      )
      .constrain((transform) => this.constrained(transform))
      .on("zoom", (event) => {
        this.transform = event.transform;
        this.place();
        this.request();
      });
    const selection = d3.select(this.element).call(this.zoom);
    selection.on("click", (event) => this.clicked(event)).on("dblclick", (event) => this.doubleClicked(event));
    selection.on("pointermove", (event) => this.moved(event)).on("pointerleave", () => this.pointAt(null));
    new ResizeObserver(() => this.resize()).observe(this.element);
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

  /** Lays the tree out anew. The node `held` stays where it is on the screen. */
  show(tree, { held = -1 } = {}) {
    const before = this.at.get(held);
    const [x, y] = before && tree === this.tree ? [before.across, before.down] : [];
    this.tree = tree;
    // As wide as most tactics need, and no wider.
    tree.column ??= Math.min(
      WIDE,
      NARROW + 7 * (d3.quantile(d3.range(1, tree.size), 0.85, (node) => Math.min(24, tree.tactic(node).length)) ?? 4),
    );
    const root = tree.layout(ROW, tree.column);
    this.nodes = root.descendants();
    this.at = new Map(this.nodes.map((node) => [node.data, node]));
    this.box = {
      top: d3.min(this.nodes, (node) => node.x),
      bottom: d3.max(this.nodes, (node) => node.x),
      right: d3.max(this.nodes, (node) => node.y),
    };
    this.zoom.scaleExtent([Math.min(0.2, this.fittingDown() * 0.8), 5]);
    this.colourAll();
    this.place();
    const after = this.at.get(held);
    if (after && x !== undefined) {
      const { k } = this.transform;
      this.move(d3.zoomIdentity.translate(x - k * after.y, y - k * after.x).scale(k));
    }
    this.request();
  }

  // --------------------------------------------------------------------------------------------- where things stand

  /** A tree that fits to the right begins at the left. */
  constrained({ k, x, y }) {
    return d3.zoomIdentity.translate(k <= this.filling() ? MARGIN : x, y).scale(k);
  }

  move(transform) {
    d3.select(this.element).call(this.zoom.transform, this.constrained(transform));
  }

  /** Shows all rows, at this scale at most. */
  fit(most = 1) {
    const scale = Math.min(1, most, this.fittingDown());
    const middle = (this.box.top + this.box.bottom) / 2;
    this.move(d3.zoomIdentity.translate(MARGIN, this.height / 2 - scale * middle).scale(scale));
  }

  /** All of a tree that fits legibly; else its root at a legible size. */
  home() {
    const fitting = Math.min(this.fittingDown(), this.fittingAcross());
    if (fitting >= 0.75 * LEGIBLE) this.fit(fitting);
    else this.move(d3.zoomIdentity.translate(MARGIN, this.height / 2 - LEGIBLE * this.at.get(0).x).scale(LEGIBLE));
  }

  scaleBy(factor) {
    d3.select(this.element).call(this.zoom.scaleBy, factor);
  }

  /** Brings a node into view; to the middle if it is far. */
  center(node) {
    const at = this.at.get(node);
    if (!at) return;
    const [x, y] = [at.across, at.down];
    const scale = Math.max(this.transform.k, LABELS_FROM + 0.1);
    if (scale === this.transform.k && x > 20 && x < this.width - 160 && y > 40 && y < this.height - 40) return;
    this.move(d3.zoomIdentity.translate(this.width * 0.4 - scale * at.y, this.height / 2 - scale * at.x).scale(scale));
  }

  // ------------------------------------------------------------------------------------------------------- pointer

  /** The node at a pointer, or `null`; and whether the pointer is on what says how much of it is folded. */
  hit(event) {
    const [x, y] = d3.pointer(event, this.element);
    const labelled = this.transform.k >= LABELS_FROM;
    const isOn = (box, height) =>
      labelled && box && x >= box.x && x <= box.x + box.width && Math.abs(box.y - y) <= height / 2;
    let [nearest, distance] = [null, NEAR];
    for (const node of this.nodes) {
      if (Math.abs(node.down - y) > 40) continue;
      if (isOn(node.pill, node.pill?.height)) return [node, true];
      // A click on the label of a node is one on the node.
      const away = Math.min(Math.hypot(node.across - x, node.down - y), isOn(node.label, 12) ? NEAR - 1 : NEAR);
      if (away < distance) [nearest, distance] = [node, away];
    }
    return [nearest, false];
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
    const [node, folds] = this.hit(event);
    if (node && !folds) this.told.toggle(node.data);
  }

  moved(event) {
    const [node] = event.buttons ? [null] : this.hit(event);
    this.element.style.cursor = node ? "pointer" : "grab";
    this.pointAt(node, ...d3.pointer(event, this.element));
  }

  pointAt(node, ...at) {
    const hovered = node ? node.data : -1;
    if (this.hovered !== hovered) this.request();
    this.hovered = hovered;
    this.told.hover(hovered, ...at);
  }
}
