"""What is read of a server's answer: embeddings as rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def read_rows(answer: object, count: int) -> NDArray[np.float32]:
    """The embeddings in an answer, in the order of the texts, shape ``(count, width)``.

    They may come in any order: each says which text's it is. Whether they are finite is not looked at.

    Args:
        answer: as plain data.
        count: how many texts were sent, at least 1.

    Raises:
        ValueError: it is no such answer, or not one with a row for each text; the message says what was found.
    """
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, list) or not all(isinstance(entry, dict) for entry in data):
        raise ValueError(f"expected a list of embeddings, found {answer!r}")
    if len(data) != count:
        raise ValueError(f"{len(data)} embeddings for {count} texts")
    places = [entry.get("index") for entry in data]
    if set(places) != set(range(count)):
        raise ValueError(f"the embeddings say that they are of the texts {places}, expected each of 0 to {count - 1}")
    vectors = {entry["index"]: entry.get("embedding") for entry in data}
    for place, vector in vectors.items():
        if not isinstance(vector, list) or not vector:
            raise ValueError(f"embedding {place} is {vector!r}, expected a list of numbers")
        if strange := sorted(kind.__name__ for kind in set(map(type, vector)) - {int, float}):
            raise ValueError(f"embedding {place} has entries that are no numbers: {', '.join(strange)}")
    widths = sorted({len(vector) for vector in vectors.values()})
    if len(widths) > 1:
        raise ValueError(f"embeddings of different lengths in one answer: {widths}")
    try:
        # What is too large for 32 bits becomes infinite, which is refused later.
        with np.errstate(over="ignore"):
            return np.array([vectors[place] for place in range(count)], np.float32)
    except OverflowError:  # a whole number of hundreds of digits
        raise ValueError("an embedding with an entry that is too large for any float") from None
