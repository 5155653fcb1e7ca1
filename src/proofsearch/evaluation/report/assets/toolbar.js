// The tools above a search tree: which tree, what is looked for, how it is coloured, what is folded.

const COLOURS = [
  ["value", "Value"],
  ["logprob", "Log-prob"],
  ["priority", "Priority"],
  ["expansion", "Order"],
];

/** The tools' elements; what is done with them is the explorer's to do. */
class Toolbar {
  constructor(explorer, data) {
    const names = [...new Set(data.trees.map((tree) => tree.theorem))];
    const place = new Map(data.theorems.name.map((name, at) => [name, at]));
    const proved = (name) => data.theorems.runs.some((run) => run.proved[place.get(name)]);
    const group = (label, chosen) =>
      chosen.length
        ? element(
            "optgroup",
            { label },
            chosen.map((name) => element("option", { value: name }, name)),
          )
        : null;
    this.picker = element(
      "select",
      { "aria-label": "Theorem", change: (event) => explorer.open(event.target.value) },
      group("Proved", names.filter(proved)),
      group(
        "Not proved",
        names.filter((name) => !proved(name)),
      ),
    );
    this.runs = element("div");
    this.search = element("input", {
      type: "search",
      placeholder: "Find in states and tactics",
      "aria-label": "Find in states and tactics",
      input: () => explorer.find(),
      keydown: (event) => event.key === "Enter" && explorer.next(event.shiftKey ? -1 : 1),
    });
    this.found = element("span", { class: "soft found", role: "status" });
    this.onlyMatches = element("input", { type: "checkbox", change: () => explorer.restrict() });
    this.leaves = element("input", {
      type: "checkbox",
      change: () => ((explorer.tree.leaves = this.leaves.checked), explorer.show(explorer.selected)),
    });
    this.slider = element("input", {
      type: "range",
      min: 1,
      "aria-label": "Expansions that are shown",
      input: () => explorer.until(Number(this.slider.value)),
    });
    this.sliderText = element("output", { class: "soft" });
    const button = (text, title, act) =>
      element(
        "button",
        { type: "button", class: "plain", title, "aria-label": text.length === 1 ? title : null, click: act },
        text,
      );
    this.element = element(
      "div",
      { class: "tools" },
      element(
        "div",
        { class: "bar" },
        button("‹", "Previous theorem", () => explorer.beside(-1)),
        this.picker,
        button("›", "Next theorem", () => explorer.beside(1)),
        this.runs,
        (this.facts = element("span", { class: "soft facts" })),
      ),
      element(
        "div",
        { class: "bar" },
        element(
          "span",
          { class: "group" },
          this.search,
          button("↑", "Previous match", () => explorer.next(-1)),
          button("↓", "Next match", () => explorer.next(1)),
          this.found,
        ),
        element("label", {}, this.onlyMatches, "only matches"),
        element("span", { class: "gap" }),
        element("span", { class: "label" }, "Colour"),
        choiceOf("Colour by", COLOURS, explorer.colour, (kind) => explorer.colourBy(kind)),
      ),
      element(
        "div",
        { class: "bar" },
        button("Fold all", "Fold everything", () => (explorer.tree.foldAll(), explorer.show(0, true))),
        button("Unfold all", "Unfold everything", () => (explorer.tree.unfoldAll(), explorer.show(explorer.selected))),
        (this.proofButton = button("Proof", "Fold all but the proof", () => explorer.toProof())),
        element("label", {}, this.leaves, "states that were not expanded"),
        element("span", { class: "gap" }),
        element("label", { class: "slider" }, "After", this.slider, this.sliderText),
      ),
    );
  }
}
