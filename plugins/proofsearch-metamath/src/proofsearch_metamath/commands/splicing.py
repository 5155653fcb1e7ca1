"""Found proofs in a copy of their database, in place of the library's own, for other verifiers to check."""

from __future__ import annotations

from collections.abc import Mapping

from proofsearch_metamath.database.files import read_bytes
from proofsearch_metamath.database.tokens import Source, make_source
from proofsearch_metamath.library.library import Library
from proofsearch_metamath.proofs.statement import splice


def splice_all(library: Library, proofs: Mapping[str, str]) -> str:
    """The text of a database, as one file, with some proofs replaced.

    Args:
        library: the prepared database.
        proofs: by label, statements as :func:`~proofsearch_metamath.proofs.statement.write_proof_text` writes them.

    Raises:
        MetamathError: a file can't be read.
    """
    sources = [make_source(path, read_bytes(path)) for path in library.tables.sources]
    frames = [library.frames[label] for label in proofs]
    frames.sort(key=lambda frame: frame.start, reverse=True)  # so that the offsets before a place stay right
    texts = [source.text for source in sources]
    for frame in frames:
        texts[frame.file] = splice(texts[frame.file], frame, proofs[frame.label])
    return _with_inclusions(0, sources, texts, {0}) if len(sources) > 1 else texts[0]


def _with_inclusions(number: int, sources: list[Source], texts: list[str], included: set[int]) -> str:
    """A file's text with each included file's in place of the first inclusion of it.

    Proofs hold no inclusions, so the n-th inclusion of the file as it was read is the n-th of the spliced text.
    """
    source = sources[number]
    numbers = {other.path.resolve(): place for place, other in enumerate(sources)}
    spliced = make_source(source.path, texts[number].encode("ascii"))
    pieces: list[str] = []
    done = 0
    while (start := spliced.code.find("$[", done)) >= 0:
        end = spliced.code.index("$]", start)
        name = spliced.code[start + 2 : end].strip()
        folders = (source.path.parent, sources[0].path.parent)
        other = next(place for folder in folders if (place := numbers.get((folder / name).resolve())) is not None)
        pieces.append(spliced.text[done:start])
        if other not in included:
            included.add(other)
            pieces.append(_with_inclusions(other, sources, texts, included))
        done = end + 2
    pieces.append(spliced.text[done:])
    return "".join(pieces)
