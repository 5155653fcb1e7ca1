"""What a component may answer: for each method of its contract, what is wrong with an answer, if anything is.

Each function takes the answer and then the arguments of the method. It returns ``None``, or a complaint that continues
where the method's name ends: ``"returned None; expected a Verdict"``. The usual answer must cost next to nothing, so
what is asked all the time is looked at as a whole first, and one by one only where that looks wrong.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, TypeGuard

from proofsearch.errors import one_line
from proofsearch.protocols import SUMMARY, Calibration, JobResult, PolicyStatistics, Script, Usage
from proofsearch.types import (
    TIERS,
    Advanced,
    Candidate,
    Crashed,
    Demonstration,
    Finished,
    Rejected,
    Theorem,
    TimedOut,
    Unusable,
    Verdict,
)

Check = Callable[..., str | None]

TOLERANCE = 1e-6
"""How far above 0 a log-probability may lie by rounding."""

_OUTCOMES = frozenset({Advanced, Finished, Rejected, TimedOut, Crashed})


def shown(value: object) -> str:
    """A value as a complaint shows it: small plain ones as they are, others by their class."""
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else f"{value[:57]}…")
    name = type(value).__name__
    return f"an {name}" if name[:1].lower() in "aeiou" or name == "ndarray" else f"a {name}"


def returned(value: object, expected: str) -> str:
    """The complaint about an answer of the wrong kind."""
    return f"returned {shown(value)}; expected {expected}"


def is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether a value holds others in an order: a list, a tuple, an array; no text, set, dictionary or generator."""
    return type(value) is list or (
        hasattr(value, "__len__")
        and hasattr(value, "__iter__")
        and not isinstance(value, str | bytes | bytearray | Mapping | AbstractSet)
    )


def instance(kind: type[Any], expected: str) -> Check:
    """The check that an answer is an instance of a class."""

    def check(answer: object, *arguments: object, **named: object) -> str | None:
        return None if isinstance(answer, kind) else returned(answer, expected)

    return check


text = instance(str, "text")
path = instance(Path, "the checkpoint's folder as a pathlib.Path")
theorem = instance(Theorem, "a Theorem")
job_result = instance(JobResult, "JobResults only")
demonstration = instance(Demonstration, "Demonstrations only")
unusable = instance(Unusable, "Unusable only")


def theorems(answer: object) -> str | None:
    """Checks an answer of ``Environment.theorems``."""
    if not isinstance(answer, Sequence) or not is_sequence(answer):
        return returned(answer, "a list of Theorems")
    odd = next((item for item in answer if not isinstance(item, Theorem)), answer)
    return None if odd is answer else f"returned a list with {shown(odd)} in it; expected Theorems"


def session(answer: object, *arguments: object, **named: object) -> str | None:
    """Checks an answer of ``Environment.open``."""
    lacking = [name for name in ("initial", "step", "close") if not callable(getattr(answer, name, None))]
    return returned(answer, f"a session, with {' and '.join(f'{name}()' for name in lacking)}") if lacking else None


def verdict(answer: object, *arguments: object, **named: object) -> str | None:
    """Checks an answer of ``Environment.verify``."""
    if not isinstance(answer, Verdict):
        return returned(answer, "a Verdict")
    if not isinstance(answer.proved, bool):
        return f"returned a Verdict whose proved is {shown(answer.proved)}; expected True or False"
    for name, value in (("checker", answer.checker), ("message", answer.message)):
        if not isinstance(value, str):
            return f"returned a Verdict whose {name} is {shown(value)}; expected text"
    if not is_sequence(answer.rests_on) or not all(isinstance(axiom, str) for axiom in answer.rests_on):
        return f"returned a Verdict whose rests_on is {shown(answer.rests_on)}; expected a tuple of texts"
    if answer.tier not in ("", *TIERS):
        return f"returned a Verdict whose tier is {shown(answer.tier)}; expected one of {', '.join(TIERS)}, or none"
    return None


def fingerprint(answer: object) -> str | None:
    """Checks an answer of ``Environment.fingerprint``."""
    if not isinstance(answer, Mapping):
        return returned(answer, "a dictionary of texts")
    for key, value in answer.items():
        if not (isinstance(key, str) and isinstance(value, str)):
            return f"returned {shown(key)}: {shown(value)} in its dictionary; expected a text for a text"
    return None


def suffix(answer: object) -> str | None:
    """Checks ``Environment.proof_suffix``."""
    if isinstance(answer, str) and answer.startswith(".") and not set(answer) & set("/\\\0"):
        return None
    return f"is {shown(answer)}; expected a file's suffix with its dot"


def flag(answer: object) -> str | None:
    """Checks ``FollowsPaths.follows_paths``."""
    return None if isinstance(answer, bool) else f"is {shown(answer)}; expected True or False"


def width(answer: object) -> str | None:
    """Checks ``Encoder.width``."""
    fits = hasattr(answer, "__index__") and not isinstance(answer, bool) and operator.index(answer) > 0
    return None if fits else f"is {shown(answer)}; expected a number of columns, at least 1"


def outcome(answer: object, *arguments: object, **named: object) -> str | None:
    """Checks an answer of ``Session.initial`` or ``Session.step``; :func:`state` checks the state that was reached."""
    if type(answer) in _OUTCOMES:
        return None
    return returned(answer, "an Advanced, Finished, Rejected, TimedOut or Crashed itself, not of a subclass")


def state(answer: object) -> str | None:
    """Checks a state in an outcome or among parts. Reads all of it, so this is for the first state of each class."""
    for name, fits, expected in (
        ("key", lambda value: hash(value) is not None, "something hashable"),
        ("num_goals", lambda value: operator.index(value) >= 1, "a number, at least 1"),
        ("goals", is_sequence, "a tuple of Goals"),
        ("text", lambda value: isinstance(value, str), "text"),
    ):
        try:
            value = getattr(answer, name)
        except AttributeError:
            return f"returned {shown(answer)} as a state, which has no {name}; expected a ProofState"
        # Foreign code.
        except Exception as error:
            return f"returned a state whose {name} raised {one_line(error)}"
        try:
            good = fits(value)
        except (TypeError, ValueError):
            good = False
        if not good:
            return f"returned a state whose {name} is {shown(value)}; expected {expected}"
    return None


def usage(answer: object) -> str | None:
    """What is wrong with what a prover is said to use."""
    if not isinstance(answer, Usage):
        return returned(answer, "a Usage")
    for name in ("memory", "processes", "states"):
        number = getattr(answer, name)
        if type(number) is not int or number < 0:
            return f"returned a Usage whose {name} is {shown(number)}; expected a whole number from 0"
    return None


def duration(answer: object) -> str | None:
    """What is wrong with a number of seconds."""
    # 0 <= nan is false.
    if type(answer) in (int, float) and 0 <= answer < math.inf:  # type: ignore[operator]
        return None
    return returned(answer, "a number of seconds from 0")


def count(answer: object, *arguments: object, **named: object) -> str | None:
    """What is wrong with a number of things."""
    return None if type(answer) is int and answer >= 0 else returned(answer, "a whole number from 0")


def parts(answer: object, *arguments: object, **named: object) -> str | None:
    """Checks an answer of ``Session.parts``."""
    return None if is_sequence(answer) and len(answer) else returned(answer, "a list of states, at least one")


def moves(answer: object, *arguments: object, **named: object) -> str | None:
    """Checks an answer of ``Session.moves``."""
    if all(callable(getattr(answer, name, None)) for name in ("listed", "admits")):
        return None
    return returned(answer, "moves, with listed() and admits()")


def split(answer: object, *arguments: object, **named: object) -> str | None:
    """Checks an answer of ``SplitsScripts.split_script``."""
    if is_sequence(answer) and all(isinstance(tactic, str) for tactic in answer):
        return None
    return returned(answer, "a list of tactics as text")


def tactics(answer: object) -> str | None:
    """Checks an answer of ``Moves.listed``: there can be thousands of tactics, so only the first is looked at."""
    if not is_sequence(answer):
        return returned(answer, "a list of tactics")
    first = next(iter(answer), "")
    return None if isinstance(first, str) else f"returned a list with {shown(first)} in it; expected tactics as text"


def candidates(answer: object, requests: Sequence[object], n: int = 0) -> str | None:
    """Checks an answer of ``TacticGenerator.generate``; the search checks that no list is longer than ``n``."""
    if not is_sequence(answer):
        return returned(answer, "a list of lists of Candidates")
    lists: Sequence[Any] = answer
    if len(lists) != len(requests):
        return (
            f"returned {len(lists)} lists of candidates for {len(requests)} states; expected one list a state, empty "
            "where it has none"
        )
    for of_state in lists:
        if not is_sequence(of_state):
            return f"returned {shown(of_state)} as a state's candidates; expected a list of Candidates"
        if len(of_state) and not _all_valid(of_state):
            for suggestion in of_state:
                complaint = candidate(suggestion)
                if complaint is not None:
                    return f"returned what it must not: {complaint}"
    return None


def scripts(answer: object, requests: Sequence[object], n: int = 0) -> str | None:
    """Checks an answer of ``ProposesScripts.propose_scripts``."""
    if not is_sequence(answer):
        return returned(answer, "a list of lists of Scripts")
    lists: Sequence[Any] = answer
    if len(lists) != len(requests):
        return (
            f"returned {len(lists)} lists of scripts for {len(requests)} states; expected one list a state, empty "
            "where it has none"
        )
    for of_state in lists:
        if not is_sequence(of_state):
            return f"returned {shown(of_state)} as a state's scripts; expected a list of Scripts"
        if len(of_state) > n:
            return f"returned {len(of_state)} scripts for a state when asked for at most {n}; it must cut its list to n"
        for one in of_state:
            if not isinstance(one, Script) or not is_sequence(one.steps) or not len(one.steps):
                return f"returned {shown(one)} among the scripts; expected Scripts of at least one step"
            for step in one.steps:
                if complaint := candidate(step):
                    return f"returned a script that it must not: {complaint}"
    return None


def _all_valid(of_state: Sequence[Any]) -> bool:
    """Whether a state's candidates are right at a glance."""
    if set(map(type, of_state)) != {Candidate}:
        return False
    logprobs = [suggestion.logprob for suggestion in of_state]
    try:
        "".join([suggestion.tactic for suggestion in of_state])  # raises for what is no text
        # A sum is finite only if every term is.
        return (
            math.isfinite(sum(logprobs))
            and max(logprobs) <= TOLERANCE
            and min([suggestion.num_tokens for suggestion in of_state]) >= 1
        )
    except TypeError:
        return False


def candidate(suggestion: object) -> str | None:
    """Checks one candidate; the complaint is a sentence of its own."""
    if not isinstance(suggestion, Candidate):
        return f"{shown(suggestion)} among the candidates; expected Candidates, as in Candidate(tactic, logprob)"
    if not isinstance(suggestion.tactic, str):
        return f"a candidate has {shown(suggestion.tactic)} as its tactic; expected text"
    try:
        fits = math.isfinite(suggestion.logprob) and suggestion.logprob <= TOLERANCE
    except TypeError:
        fits = False
    if not fits:
        return (
            f"candidate {suggestion.tactic!r} has log-probability {suggestion.logprob!r}; "
            "expected a finite natural logarithm of a probability, at most 0. Leave out what has probability 0, "
            "and normalise scores (log-softmax) before returning them"
        )
    try:
        fits = operator.index(suggestion.num_tokens) >= 1
    except TypeError:
        fits = False
    if not fits:
        return (
            f"candidate {suggestion.tactic!r} has num_tokens = {suggestion.num_tokens!r}; "
            "expected at least 1 (1 for a policy over whole tactics)"
        )
    return None


def values(answer: object, requests: Sequence[object]) -> str | None:
    """Checks an answer of ``ValueScorer.score``; the caller decides what to do about values that are no numbers."""
    if not is_sequence(answer):
        return returned(answer, "a list with a number, or None, for each state")
    found: Sequence[Any] = answer
    if len(found) != len(requests):
        return f"returned {len(found)} values for {len(requests)} states"
    if str in set(map(type, found)):
        return "returned text among its values; expected numbers, or None where it has none"
    return None


def statistics(answer: object, requests: Sequence[object], n: int = 0) -> str | None:
    """Checks an answer of ``ReportsStatistics.statistics``."""
    if not is_sequence(answer):
        return returned(answer, "a list with PolicyStatistics, or None, for each state")
    found: Sequence[Any] = answer
    if len(found) != len(requests):
        return f"returned statistics of {len(found)} states for {len(requests)}"
    for item in found:
        if item is not None and not isinstance(item, PolicyStatistics):
            return f"returned {shown(item)} for a state; expected PolicyStatistics, or None where it has none"
    return None


def summaries(answer: object, requests: Sequence[object], n: int = 0) -> str | None:
    """Checks an answer of ``SumsUpStatistics.summaries``."""
    if not is_sequence(answer):
        return returned(answer, "a list with a row of numbers, or None, for each state")
    found: Sequence[Any] = answer
    if len(found) != len(requests):
        return f"returned summaries of {len(found)} states for {len(requests)}"
    for row in found:
        if row is not None and (not is_sequence(row) or len(row) != len(SUMMARY)):
            return f"returned {shown(row)} for a state; expected {len(SUMMARY)} numbers, or None where it has none"
    return None


def represented(answer: object, requests: Sequence[object]) -> str | None:
    """Checks an answer of ``RepresentsStates.represent``."""
    return encoded(answer, requests, None)


def adaptations(answer: object, *arguments: object) -> str | None:
    """Checks an answer of ``AdaptsTactics.adapted``."""
    expected = "a list of pairs of a tactic and a weight in (0, 1]"
    if not is_sequence(answer):
        return returned(answer, expected)
    pairs: Sequence[Any] = answer
    for pair in pairs:
        match pair:
            case (str(), int() | float() as weight) if 0 < weight <= 1:
                continue
        return returned(answer, expected)
    return None


def calibration(answer: object) -> str | None:
    """Checks an answer of ``Calibrated.calibration``."""
    if not isinstance(answer, Calibration):
        return returned(answer, "a Calibration")
    for name in Calibration.__slots__:
        value = getattr(answer, name)
        if not isinstance(value, int | float) or not math.isfinite(value):
            return f"returned a Calibration whose {name} is {shown(value)}; expected a finite number"
    return None


def encoded(answer: object, states: Sequence[object], columns: int | None) -> str | None:
    """Checks an answer of ``Encoder.encode``.

    Args:
        answer: what it returned.
        states: what it was arguments about.
        columns: the width that it promised; ``None`` where it can't say.
    """
    shape = getattr(answer, "shape", None)
    dtype = getattr(answer, "dtype", None)
    if not isinstance(shape, tuple) or getattr(dtype, "kind", "f") != "f":
        return returned(answer, "an array of floats with a row for each state")
    if len(shape) != 2 or shape[0] != len(states) or columns not in (None, shape[1]):
        expected = f"({len(states)}, {columns})"
        return f"returned an array of shape {shape} for {len(states)} states; expected {expected}"
    import numpy as np

    rows: Any = np.asarray(answer)
    flat = rows.ravel()
    # A dot product is finite only if every number is, and costs next to nothing. It may overflow where they all are.
    with np.errstate(all="ignore"):
        doubtful = not math.isfinite(float(np.dot(flat, flat)))
    if doubtful and not np.isfinite(flat).all():
        bad = int((~np.isfinite(rows).all(axis=1)).sum())
        return f"returned rows that are not finite for {bad} of {len(states)} states"
    return None


def loss(answer: object, *arguments: object, **named: object) -> str | None:
    """Checks an answer of ``Loss.__call__``; the trainer, which knows its tensors, checks the rest."""
    if answer is None or isinstance(answer, bool | str | Mapping | list | tuple):
        return returned(answer, "a scalar tensor")
    return None
