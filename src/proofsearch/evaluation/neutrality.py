"""Whether the decisions of a run can judge a value, or were chosen by what is to be judged.

A search meets the states that its order likes, and only what it met can be labelled. So at the decisions of a run the
order that made it looks better than it is, and whatever disagrees with that order worse: a value gained 17 points of
rank-1 at the decisions of its own searches, 1 at those of searches by log-probability and 7 along known proofs, and
random values rank above chance in the searches that they ordered. Putting scores off (``defer``) chooses as well, by
log-probability.

*Neutral* are searches that known proofs led, or chance.
"""

from __future__ import annotations

import shlex

from proofsearch.config import RunConfig
from proofsearch.trajectory.choices import NEUTRAL_SCORERS

GUIDE = "demonstration"
"""The scorer that leads a search along the known proof."""

_BY_VALUE = ("auto", "value")
"""Priorities with which a scorer without a calibration alone says what is expanded."""


def is_neutral(config: RunConfig) -> bool:
    """Whether a run's order has nothing to do with log-probability or a value, but its own oracle's or chance."""
    search, kind = config.search, config.search.priority.kind
    # With ``split`` log-probability chooses every other state; along a known proof these only compete.
    guided = config.scorer == GUIDE and kind == "split"
    by_scorer = config.scorer in NEUTRAL_SCORERS and (kind in _BY_VALUE or guided)
    return by_scorer and search.defer is None and search.strategy == "best-first" and search.proposals == "steps"


def why_not(config: RunConfig, scorer: str, path: str | None = None) -> str:
    """Why a run that is not neutral can judge nothing, and what to do, as a sentence.

    Args:
        config: the run's.
        scorer: whose values were to be judged.
        path: of its checkpoint, if one was given; otherwise the run's.
    """
    search = config.search
    order = [f"scorer {config.scorer}", f"priority {search.priority.kind}"]
    order += [f"defer {search.defer}"] if search.defer is not None else []
    order += [f"strategy {search.strategy}"] if search.strategy != "best-first" else []
    order += [f"proposals {search.proposals}"] if search.proposals != "steps" else []
    split = config.select.split if config.select.split not in (None, "all", "train") else "validation"
    record = ["proofsearch", "search", *(["--env", config.env] if config.env != "metamath" else [])]
    policy = config.options.get("demonstrated", {}).get("generator", "knn")
    policy = config.generator if config.generator != "demonstrated" else policy
    record += ["--split", split, "--generator", "demonstrated", "--demonstrated-generator", policy]
    record += ["--scorer", "demonstration", "--priority", "split", "--out", "runs/guided"]
    judge = ["proofsearch", "evaluate", "runs/guided", "--scorer", scorer]
    own = config.options.get(scorer, {}).get("path") if scorer == config.scorer else None
    judge += [f"--{scorer}-path", str(path or own)] if path or own else []
    return (
        f"not judged at this run's own decisions, which its order chose ({', '.join(order)}): there that order looks "
        f"better than it is, and others worse. Judge values along known proofs: {shlex.join(record)}; "
        f"{shlex.join(judge)}"
    )


OWN_VALUES = (
    "not judged: these very values ordered the run; judge others on it with proofsearch evaluate RUN --scorer NAME"
)
"""What is said where the values to be judged are those that ordered a neutral run."""
