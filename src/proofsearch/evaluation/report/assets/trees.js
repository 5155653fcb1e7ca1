// The section of the search trees, and what is said of those that are not here.

/** Fills the section; returns a function that shows the tree of a theorem. */
function treesSection(place, data) {
  if (!data.trees.length) {
    const recorded = data.choice.proved + data.choice.failed;
    put(
      place,
      empty(
        recorded
          ? `The report was made without search trees; proofsearch report --trees N shows those of N theorems.`
          : "No search was recorded (--no-trajectories), so there are no trees to show.",
      ),
    );
    return () => {};
  }
  const explorer = new Explorer(data);
  put(place, element("p", { class: "lead" }, leftOut(data)), explorer.element);
  return (name) => {
    explorer.open(name);
    place.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    explorer.canvas.element.focus({ preventScroll: true });
  };
}

/** What the file holds of all recorded searches, in words. */
function leftOut(data) {
  const { theorems, proved, failed, proved_left_out, failed_left_out } = data.choice;
  const all = proved + failed;
  if (!proved_left_out && !failed_left_out) return `All ${count(all)} theorems whose search was recorded are here.`;
  return (
    `${count(theorems)} of the ${count(all)} theorems whose search was recorded are here: ${count(proved - proved_left_out)} of ${count(proved)} proved ones and ` +
    `${count(failed - failed_left_out)} of ${count(failed)} others, those with the most to show first. The rest was left out to keep the file small; --trees N shows more, --theorem NAME a certain one.`
  );
}
