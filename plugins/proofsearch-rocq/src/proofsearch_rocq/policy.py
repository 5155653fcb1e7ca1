"""The policy ``rocq-tactics``: good first tactics, what hypotheses are good for, and lemmas that look like the goal.

It learns nothing. Beside a policy that does (``--generator mixture --mixture-of knn --mixture-of rocq-tactics``) it
brings what no recorded proof can: tactics with the names of the goal's own hypotheses, and lemmas that no proof used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from pydantic import Field

from proofsearch import Candidate
from proofsearch.config import ComponentConfig
from proofsearch.protocols import Builder, GenerationRequest, TacticGenerator
from proofsearch_rocq.retrieval import LemmaIndex
from proofsearch_rocq.states import RULE

NAME = "rocq-tactics"

CLOSES = "solve [ trivial | auto with * | eauto | easy | congruence | tauto ]"
"""What closes a goal by itself, as one tactic: one candidate, not six."""

FIRST = {
    CLOSES: 10.0,
    "intros": 8.0,
    "auto": 4.0,
    "simpl": 5.0,
    "split": 4.0,
    "reflexivity": 2.0,
    "lia": 5.0,
    "firstorder": 2.0,
    "constructor": 2.0,
    "intro": 2.0,
    "f_equal": 2.5,
    "subst": 1.5,
    "ring": 2.0,
    "intuition": 2.0,
    "symmetry": 1.0,
    "left": 1.5,
    "right": 1.5,
    "simpl in *": 1.2,
    "eexists": 1.5,
    "exfalso": 0.6,
    "red": 1.0,
    "cbn": 0.6,
    "unfold not": 0.5,
    "lra": 1.2,
    "nia": 1.0,
    "field": 0.5,
    "intros; subst; auto": 0.5,
}
"""Tactics that need no argument, with weights."""

WANTS = {
    "intros": r"forall|->|let |~|<>|not\b",
    "intro": r"forall|->|let |~|<>|not\b",
    "intros; subst; auto": r"forall|->",
    "split": r"/\\|<->|\b(?:and|iff)\b|[&*]",
    "lia": r"[<>=≤≥]|False",
    "nia": r"[<>=]|False",
    "lra": r"[<>=]|False",
    "ring": r"=",
    "field": r"=.*/|/.*=",
    "symmetry": r"=|<->",
    "reflexivity": r"=|<->|≡",
    "f_equal": r"=",
    "left": r"\\/|[+{}]",
    "right": r"\\/|[+{}]",
    "eexists": r"exists|\{|sig",
    "unfold not": r"~|<>|not\b",
}
"""What a conclusion has to show for a tactic to be worth much: without it, it may still apply to what is defined so."""

_UNWANTED = 0.15

_NAMES = re.compile(r"[^\W\d][\w']*")
_EQUALITY = re.compile(r"\s=\s|<->|==")
_ARROW = re.compile(r"->|\bforall\b")
_HEAD = re.compile(r"[@(]*([^\W\d][\w'.]*)")


class RocqTacticsConfig(ComponentConfig):
    """Options of the generator ``rocq-tactics``."""

    lemmas: int = Field(default=8, ge=0, description="Lemmas in scope, the nearest to the goal, that are offered.")
    also: tuple[str, ...] = Field(
        default=(), description="Another tactic that is always tried, such as a hammer: sauto, hammer."
    )


class RocqTactics(TacticGenerator):
    """Suggests tactics from a goal's text; see :class:`proofsearch.protocols.TacticGenerator`.

    Args:
        config: the options.
        index: of the lemmas that may be cited.
    """

    def __init__(self, config: RocqTacticsConfig, index: LemmaIndex | None) -> None:
        self._config = config
        self._index = index

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        """Returns at most ``n`` candidates a request, best first."""
        return [self._candidates(request, n) for request in requests]

    def _candidates(self, request: GenerationRequest, n: int) -> list[Candidate]:
        goal = request.state.goals[0].text
        conclusion = goal.rpartition(f"{RULE}\n")[2]
        weights = {
            tactic: weight * (1.0 if re.search(WANTS.get(tactic, ""), conclusion) else _UNWANTED)
            for tactic, weight in FIRST.items()
        }
        weights.update(dict.fromkeys(self._config.also, 6.0))
        for tactic, weight in self._from_goal(goal):
            weights[tactic] = max(weight, weights.get(tactic, 0.0))
        if self._index is not None and self._config.lemmas:
            for name, likeness in self._index.nearest(request.theorem.name, goal, self._config.lemmas):
                weights[f"apply {name}"] = 5.0 * likeness
                weights[f"rewrite {name}"] = 5.0 * likeness
                weights[f"rewrite <- {name}"] = 2.0 * likeness
                weights[f"eapply {name}; eauto"] = 3.0 * likeness
        total = math.fsum(weights.values())
        ranked = sorted(weights.items(), key=lambda entry: -entry[1])[:n]
        return [Candidate(tactic, math.log(weight / total)) for tactic, weight in ranked if weight > 0]

    def _from_goal(self, goal: str) -> Iterator[tuple[str, float]]:
        before, _, conclusion = goal.rpartition(f"{RULE}\n")
        yield from _from_conclusion(conclusion)
        hypotheses = [line.partition(" : ")[::2] for line in before.splitlines() if " : " in line]
        # The last ones are the newest, which are more often what the next step is about.
        for age, (name, what) in enumerate(reversed(hypotheses)):
            name = name.split(" :=")[0]
            fresh = 1.0 / (1.0 + 0.2 * age)
            yield from ((tactic, weight * fresh) for tactic, weight in _from_hypothesis(name, what, conclusion))


def _from_conclusion(conclusion: str) -> Iterator[tuple[str, float]]:
    """What the shape of a conclusion suggests."""
    bound = re.match(r"forall ((?:\(?[^,:()]+)(?: : )?)", conclusion)
    if bound:
        for name in _NAMES.findall(bound[1].partition(" :")[0])[:3]:
            yield f"induction {name}", 2.0
            for end in ("auto", "simpl; auto", "intros; simpl; auto"):
                yield f"induction {name}; {end}", 1.0
            yield f"destruct {name}", 1.0
        yield "intros; simpl; auto", 1.0
        yield "intros; lia", 1.0
    if _EQUALITY.search(conclusion) or "<" in conclusion:
        yield "simpl; lia", 1.0
    if "exists" in conclusion[:8]:
        yield "eexists; eauto", 1.0
    head = _HEAD.match(conclusion)
    if head and not bound:
        yield f"unfold {head[1]}", 1.0
    matched = re.search(r"\bmatch ([^\W\d][\w']*|\([^()]*\)) with", conclusion) or re.search(
        r"\bif ([^\W\d][\w']*|\([^()]*\)) then", conclusion
    )
    if matched:
        yield f"destruct {matched[1]}", 3.0
        yield f"destruct {matched[1]} eqn:?", 2.0


def _from_hypothesis(name: str, what: str, conclusion: str) -> Iterator[tuple[str, float]]:
    """What a hypothesis is good for, by what it says."""
    mentioned = re.search(rf"(?<![\w']){re.escape(name)}(?![\w'])", conclusion) is not None
    if _EQUALITY.search(what):
        yield f"rewrite {name}", 3.0
        yield f"rewrite <- {name}", 1.0
        yield f"rewrite {name}; auto", 1.0
        yield f"inversion {name}", 0.7
        yield f"injection {name}", 0.5
    if _ARROW.search(what):
        yield f"apply {name}", 3.0
        yield f"eapply {name}; eauto", 1.5
    elif what.startswith("exists") or "/\\" in what or "\\/" in what:
        yield f"destruct {name}", 3.0
        yield f"decompose [and or ex] {name}", 1.0
    elif mentioned:
        yield f"destruct {name}", 2.0
        yield f"destruct {name}; simpl; auto", 1.0
        yield f"induction {name}", 2.0
        yield f"induction {name}; simpl; auto", 1.0
    elif " " in what:
        yield f"exact {name}", 1.0
        yield f"destruct {name}", 1.0
        yield f"induction {name}", 0.7
        yield f"inversion {name}", 0.7
        yield f"inversion {name}; subst; auto", 0.5
        yield f"simpl in {name}", 0.5
    if what.startswith("~") or what == "False":
        yield f"elim {name}", 1.5
        yield f"destruct {name}", 1.5


def make_tactics(config: RocqTacticsConfig, builder: Builder) -> RocqTactics:
    """Builds the generator ``rocq-tactics``."""
    lemmas = getattr(builder.environment(), "lemmas", None)
    return RocqTactics(config, LemmaIndex(lemmas) if isinstance(lemmas, Mapping) else None)
