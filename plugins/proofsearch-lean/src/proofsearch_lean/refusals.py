"""What a script may not say, whatever Lean makes of it: neither a step of the search nor a proof that is checked.

Lean's own parser decides where a proof ends, and :mod:`proofsearch_lean.verification.judgement` holds it to that. What
is refused here would have its effect before that can be seen: code that runs while the proof is elaborated, with which
a script could write whatever it likes in Lean's name, and options that switch checks off. The words are looked for in
the whole text, comments and strings too: a reader of comments that isn't Lean's own can be deceived.
"""

from __future__ import annotations

import re

_RUNS_CODE = re.compile(
    r"(?:run_tac|run_cmd|run_elab|run_meta|run_conv|by_elab|eval%|elab|elab_rules|elab_stx%|simproc|simproc_decl|"
    r"initialize|attribute|unsafe)(?![A-Za-z0-9_'])"
    r"|#eval|#guard|@\[|implemented_by|skipKernelTC|unsafe(?:IO|BaseIO|EIO|Cast)|addDeclWithoutChecking"
)
"""What stands before a word says nothing: numbers and some symbols end where a word begins. What stands behind it does
only if Lean and we agree that it makes the word a longer one; ``λ``, for one, is a letter here and a symbol there."""

_UNSAFE_RULE = re.compile(r"\(\s*add\s+unsafe\b")
"""How Aesop's rules say how likely they are; no term can be read as this."""

_SETS_OPTION = re.compile(r"set_option(?![A-Za-z0-9_'])")

_OPTION = re.compile(r"\s+([A-Za-z][A-Za-z0-9_.]*)\s")

_HARMLESS = re.compile(
    r"(?!.*output)(?:(?:maxHeartbeats|maxRecDepth|autoImplicit|relaxedAutoImplicit|simprocs|hygiene|quotPrecheck|Elab\.async)$"
    r"|(?:pp|linter|trace|profiler|tactic|synthInstance|backward|exponentiation|format|diagnostics|smartUnfolding"
    r"|aesop|Mathlib)(?:\.|$))"
)
"""Options that a script may set: they change what is found, shown and how long that takes, never what is checked. Those
that name a file to be written are not among them."""

_MARGIN = re.compile(r"^ ?[^ \n]", re.MULTILINE)


def refusal(script: str) -> str:
    """Why a script is refused unread; ``""`` where Lean is to judge it.

    Args:
        script: what stands behind ``:= by`` and its line break, or a part of that.
    """
    try:
        script.encode()
    except UnicodeEncodeError:
        return "it holds half of a surrogate pair, which is no character"
    for character, name in (("\0", "the character NUL"), ("\r", "a carriage return")):
        if character in script:
            return f"it holds {name}"
    if not script.strip():
        return "it is empty"
    if _MARGIN.search(script):
        return "a line of it begins nearer to the margin than steps do, where commands are"
    # Guillemets change how a name is written, not what it means.
    bare = script.translate({ord("«"): None, ord("»"): None})
    found = _RUNS_CODE.search(_UNSAFE_RULE.sub("(add rule", bare))
    if found is not None:
        return (
            f"it says {found[0]!r}, with which code could run while it is checked, or a check be left out; "
            "that is refused wherever it stands, in comments too"
        )
    for place in _SETS_OPTION.finditer(bare):
        option = _OPTION.match(bare, place.end())
        if option is None or not _HARMLESS.match(option[1]):
            what = bare[place.start() : place.end() + 40].split("\n")[0].strip()
            return f"it sets an option that could change what is checked: {what!r}"
    return ""
