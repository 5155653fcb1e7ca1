"""The trainer ``confidence``: weights of the policy's statistics, from the decisions of recorded searches.

What is fitted on some theorems is measured on others: each fold's values come from the other folds, and the gain over
log-probability and goals is theirs.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from proofsearch.builtins.confidence.config import NAME, ConfidenceTrainerConfig
from proofsearch.builtins.confidence.features import COLUMNS, Floats, features
from proofsearch.builtins.confidence.model import fit
from proofsearch.builtins.confidence.policy import AskedPolicy
from proofsearch.builtins.confidence.scorer import MIXING, MODEL
from proofsearch.checkpoint import BESIDE, MANIFEST, POLICY, Manifest, read_manifest, write_manifest
from proofsearch.errors import InputError, UsageError
from proofsearch.models.confidence import fingerprint_of
from proofsearch.protocols import Builder, GenerationRequest, TrainingReport, TrainingRequest
from proofsearch.trainers.mixing import ChoiceSets, Mixing, fit_mixing
from proofsearch.trainers.searches import LearnableSearches
from proofsearch.trainers.settings import option_of, trained_otherwise
from proofsearch.trajectory.choices import choices

_SAY_EVERY = 100


class ConfidenceTrainer:
    """See the module; a :class:`proofsearch.protocols.Trainer`. One step reads one search."""

    def __init__(self, config: ConfidenceTrainerConfig, builder: Builder) -> None:
        self._config = config
        self._builder = builder

    def check(self, request: TrainingRequest) -> None:
        """Refuses a policy that can't be asked; see :class:`proofsearch.protocols.ChecksOptions`."""
        self._builder.environment()
        policy = fingerprint_of(self._builder.generator(self._config.generator))  # opens its weights
        if request.resume and (request.out / MANIFEST).exists():
            self._refuse_other(request, policy)

    def _refuse_other(self, request: TrainingRequest, policy: str) -> None:
        """Refuses to take what was trained otherwise for what is asked for.

        Raises:
            UsageError: it was; checkpoints of earlier versions don't say the seed or the policy.
        """
        out, manifest = request.out, read_manifest(request.out, kind="scorer", name=NAME)
        now = self._config.model_dump(mode="json") | {"seed": request.seed}
        was = manifest.config
        before = manifest.fingerprints.get(POLICY, policy)
        for name, value in now.items():
            if name != "beside" and was.get(name, value) != value and (name != "generator" or before != policy):
                raise trained_otherwise("--seed" if name == "seed" else option_of(NAME, name), out, was[name], value)
        if before != policy:
            raise UsageError(
                f"{out}: was trained beside the policy {before}, found {policy}; resume with the policy that it was "
                f"trained with, or train into another folder"
            )

    def _note_beside(self, out: Path) -> None:
        """Notes in a checkpoint which policy its own stood in for, where that is told now."""
        manifest, beside = read_manifest(out, kind="scorer", name=NAME), self._config.beside
        if beside and manifest.fingerprints.get(BESIDE) != beside:
            config = {**manifest.config, "beside": beside}
            fingerprints = {**manifest.fingerprints, BESIDE: beside}
            write_manifest(out, replace(manifest, config=config, fingerprints=fingerprints), [MODEL])

    def train(self, request: TrainingRequest) -> Path:
        """Asks the policy about every decision, fits, measures, and writes the checkpoint.

        Raises:
            InputError: there is nothing to learn from.
            UsageError: what is resumed was trained with other options, or beside another policy.
        """
        out = request.out
        self.check(request)
        if request.resume and (out / MANIFEST).exists():
            self._note_beside(out)
            return out
        rows, sets, names, policy = self._read(request)
        rng = np.random.default_rng(request.seed)
        sets = replace(sets, value=self._held_out(rows, sets, rng))
        mixing = fit_mixing(sets, resamples=self._config.resamples, rng=rng)
        fit(rows, sets.logprob, sets.goals, sets.positive, sets.offsets).save(out / MODEL)
        manifest = Manifest(
            "scorer",
            NAME,
            config=self._config.model_dump(mode="json") | {"seed": request.seed},
            versions={"proofsearch": version("proofsearch")},
            fingerprints={
                "generator": self._config.generator or "",
                POLICY: policy,
                "columns": ", ".join(COLUMNS),
            }
            | ({BESIDE: self._config.beside} if self._config.beside else {}),
            metrics={MIXING: mixing.to_json(), "decisions": len(sets), "theorems": len(names)},
        )
        write_manifest(out, manifest, [MODEL])
        metrics = {"rank": mixing.rank_mixed, "rank_logprob_goals": mixing.rank_logprob_goals, "gain": mixing.gain}
        request.report(TrainingReport(1, 1, metrics, [_told(mixing)]))
        return out

    def _read(self, request: TrainingRequest) -> tuple[Floats, ChoiceSets, list[str], str]:
        """The policy's statistics at the children of every decision, the decisions, and which policy it is."""
        builder, config = self._builder, self._config
        environment = builder.environment()
        generator = builder.generator(config.generator)
        policy = AskedPolicy(generator, environment, config.candidates, replay=config.replay)
        rows, columns, positive = list[Floats](), list[tuple[float, float]](), list[bool]()
        sizes, owners = list[int](), list[str]()
        lost = 0
        with closing(policy):
            for number, search in enumerate(LearnableSearches(request.trajectories)):
                if number % _SAY_EVERY == 0:
                    builder.status(f"{NAME}: asking the policy about recorded decisions; searches", number)
                for decision in choices(search):
                    if all(decision.positive):
                        continue
                    children = list(decision.children)
                    asked = [GenerationRequest(search.theorem, search.state(child)) for child in children]
                    found = [one for one in policy.statistics(asked) if one is not None]
                    if len(found) < len(asked):
                        lost += 1
                        continue
                    rows.append(features(found))
                    columns += zip(search.logprob[children].tolist(), search.num_goals[children].tolist(), strict=True)
                    positive += decision.positive
                    sizes.append(len(asked))
                    owners.append(search.theorem.name)
        names = sorted(set(owners))
        if len(names) < 2:
            where = ", ".join(map(str, request.trajectories)) or "no trajectories"
            raise InputError(
                f"{where}: found decisions of {len(names)} theorems that may be learnt from, expected at least 2: "
                f"one to learn from and one to measure with; record more along the library's proofs: proofsearch "
                f"search --split validation --generator demonstrated --scorer demonstration --priority split"
            )
        if lost:
            message = f"left out {lost} decisions: their states were not found again, or the policy said nothing"
            request.report(TrainingReport(0, 1, messages=[message]))
        logprob, goals = np.array(columns, np.float64).T
        sets = ChoiceSets(
            logprob,
            np.zeros(len(logprob)),
            goals,
            np.array(positive, np.bool_),
            np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
            np.unique(owners, return_inverse=True)[1].astype(np.int64),
        )
        return np.concatenate(rows), sets, names, policy.fingerprint()

    def _held_out(self, rows: Floats, sets: ChoiceSets, rng: np.random.Generator) -> Floats:
        """The value of each member by weights that were fitted on other theorems."""
        theorems = int(sets.theorem.max()) + 1
        fold = (rng.permutation(theorems) % min(self._config.folds, theorems))[sets.theorem]
        values = np.empty(len(rows))
        of_member = np.repeat(fold, np.diff(sets.offsets))
        for number in np.unique(fold):
            learnt = sets.take(np.flatnonzero(fold != number))
            value = fit(rows[of_member != number], learnt.logprob, learnt.goals, learnt.positive, learnt.offsets)
            values[of_member == number] = value.values(rows[of_member == number])
        return values


def _told(mixing: Mixing) -> str:
    """What was measured, in words."""
    low, high = 100 * mixing.gain_low, 100 * mixing.gain_high
    verdict = (
        "the value helps" if mixing.helps else "no gain is shown, so its weight in a search is 0 (--confidence-force)"
    )
    return (
        f"rank-1 on {mixing.sets} held-out decisions of {mixing.theorems} theorems: {100 * mixing.rank_mixed:.1f}% "
        f"with the value, {100 * mixing.rank_logprob_goals:.1f}% by log-probability and goals, "
        f"{100 * mixing.rank_logprob:.1f}% by log-probability; {100 * mixing.gain:+.1f} points ({low:+.1f} to "
        f"{high:+.1f}): {verdict}"
    )


def make_trainer(config: ConfidenceTrainerConfig, builder: Builder) -> ConfidenceTrainer:
    """Builds the trainer ``confidence``."""
    return ConfidenceTrainer(config, builder)
