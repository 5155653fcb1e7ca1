"""What is wrong with a configuration, for people: which key, what was found, what is known there."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from proofsearch.errors import near

Place = tuple[str | int, ...]
"""A key with the tables that it is in, from the outermost."""


_LONGEST = 200
"""Characters of a value that a message shows."""


def dotted(place: Place) -> str:
    """The place as TOML writes it."""
    return ".".join(map(str, place)) or "the whole configuration"


def require(package: str, install: str) -> None:
    """Checks, for the validator of an option, that a package which not everyone has is installed.

    What is only imported at the end of hours of work would be missed there; options are read before any work.

    Args:
        package: the name that is imported.
        install: what to give to ``pip install``.

    Raises:
        PydanticCustomError: it is not installed.
    """
    if importlib.util.find_spec(package) is None:
        raise PydanticCustomError(
            "missing_package",
            "needs the package {package}, which is not installed; install it with: pip install '{install}', or leave "
            "the option out",
            {"package": package, "install": install},
        )


def explain(
    error: ValidationError, model: type[BaseModel], name: Callable[[Place], str] = dotted, *, inside: Place = ()
) -> str:
    """Every problem, separated by semicolons.

    Args:
        error: what pydantic raised.
        model: which model it was raised for.
        name: how to call a place: by its option, by its file.
        inside: where the model stands in the configuration.
    """
    problems = []
    for problem in error.errors(include_url=False):
        place = problem["loc"]
        if problem["type"] == "extra_forbidden":
            known = fields_at(model, place[:-1])
            problems.append(
                f"{name((*inside, *place))}: no such key; known here: {', '.join(known) or 'none'}"
                f"{near(str(place[-1]), known)}"
            )
        else:
            problems.append(f"{name((*inside, *place))}: {_complaint(problem)}")
    return "; ".join(problems)


def _complaint(problem: ErrorDetails) -> str:
    """What is wrong with a value, and the value, unless the words show it already."""
    given = problem["input"]
    if problem["type"] in ("value_error", "assertion_error"):  # a validator's own words, which pydantic puts a title on
        words = str(problem["ctx"]["error"]) or "is refused"
        # Of keys that don't go together: a model's own words name them, and the whole table would bury them.
        if "found " in words or isinstance(given, dict):
            return words
    else:
        words = problem["msg"][:1].lower() + problem["msg"][1:]
    return f"{words}, found {_shown(given)}"


def _shown(value: object) -> str:
    """A value as it was given, cut where nobody would read on."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def fields_at(model: type[BaseModel], place: Place) -> list[str]:
    """The keys of the model that is nested at a place; none where no model is."""
    for key in place:
        field = model.model_fields.get(str(key))
        inner = field.annotation if field is not None else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)
