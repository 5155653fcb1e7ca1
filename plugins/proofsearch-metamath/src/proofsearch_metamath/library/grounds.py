"""What proofs rest on in a prepared library: axioms, and theorems whose own proofs can't be relied on."""

from __future__ import annotations

from collections.abc import Iterable

from proofsearch_metamath.library.library import Library


def axioms_below(library: Library, cited: Iterable[str]) -> tuple[str, ...]:
    """The axioms and definitions that assertions with these labels rest on, themselves included, sorted."""
    arrays, labels = library.tables.arrays, library.tables.labels
    is_theorem = arrays["is_theorem"]
    pending = [library.frames.position(label) for label in cited]
    seen = set(pending)
    axioms = []
    while pending:
        position = pending.pop()
        if is_theorem[position]:
            following = [other for other in library.cited_by(position) if other not in seen]
            seen.update(following)
            pending += following
        elif position in library.provable_positions:
            axioms.append(labels[position])
    return tuple(sorted(axioms))


def citation_problem(library: Library, label: str) -> str | None:
    """Why an assertion may not be cited: its own proof, or one that it rests on, is wrong or incomplete.

    Returns:
        ``None`` where it may be, otherwise the end of a sentence that begins with what cites it.
    """
    sound = library.tables.arrays["sound"]
    position = library.frames.position(label)
    if sound[position]:
        return None
    flaws = library.tables.flaws
    while position not in flaws:
        position = next(other for other in library.cited_by(position) if not sound[other])
    ground = library.tables.labels[position]
    way = "" if ground == label else f", which rests on {ground}"
    return f"{label}{way}, whose own proof is {flaws[position]}"


def describe_flaws(library: Library, *, unfinished: bool) -> str:
    """What can't be cited, in a line for a person; ``""`` where there is nothing to tell.

    Args:
        library: the prepared database.
        unfinished: whether to tell of proofs that are only not finished, too.
    """
    flaws = {at: flaw for at, flaw in library.tables.flaws.items() if unfinished or not flaw.unfinished}
    if not flaws:
        return ""
    first = min(flaws)
    kinds = "wrong or incomplete" if unfinished else "wrong"
    more = f" ({len(flaws)} proofs are {kinds})" if len(flaws) > 1 else ""
    hidden = len(library.provable) - library.citable.bit_count()
    count = f"{hidden} theorem{'' if hidden == 1 else 's'}"
    label = library.tables.labels[first]
    return f"the proof of {label} is {flaws[first]}{more}. {count} can't be cited for want of a proof"
