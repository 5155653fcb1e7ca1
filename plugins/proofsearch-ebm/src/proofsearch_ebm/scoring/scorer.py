"""The scorer ``ebm``: minus the energy of a trained head, one batch for all states asked about.

This is where the sign turns: inside the package a lower energy is better, and what leaves it is higher for better.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from proofsearch.checkpoint import MANIFEST
from proofsearch.errors import InputError, UsageError
from proofsearch.protocols import Calibration, Encoder, GenerationRequest, ScoreRequest
from proofsearch.trainers.mixing import Mixing
from proofsearch.types import ProofState, State
from proofsearch_ebm.config import EbmConfig, PartsKind, ValueKind
from proofsearch_ebm.data.joined import WholeState, joined, policy_fingerprint, reads_requests
from proofsearch_ebm.data.parts import PartEncoder, parts_of
from proofsearch_ebm.model.checkpoint import Checkpoint, load_checkpoint
from proofsearch_ebm.model.folded import FoldedHead
from proofsearch_ebm.scoring.shipped import shipped_checkpoint

if TYPE_CHECKING:
    from proofsearch.protocols import Builder

_Name = tuple[str, str | None]
"""What a part is known by: its text, and the theorem where that decides what is read of it."""
UNKNOWN_CALIBRATION = Calibration(0.0, 1.0, 0.0, 1.0, 0.0, 1.0)
"""The calibration where a checkpoint has none: log-probability and goals, as without a value."""
_FORCED_WEIGHT = 0.5


class EbmScorer:
    """Values states by their energies; implements ``ValueScorer`` and ``Calibrated``.

    A part (a goal, or a whole state) is encoded and put through the head once while it is remembered; the least
    recently used are forgotten first. Not shared between threads.

    Args:
        head: of the checkpoint.
        encoder: the one that the head was trained with; closed by its owner.
        parts: what it encodes.
        value: what of the head's answer is the value.
        calibration: how the value is mixed with log-probability.
        keep: parts remembered.
        with_theorem: whether the encoder reads every part together with its theorem.
        whole: whether the encoder has to know theorems and states as they are (only with whole states).

    Raises:
        UsageError: ``value`` is ``"cost"`` and the head has no such output.
    """

    def __init__(
        self,
        head: FoldedHead,
        encoder: Encoder,
        parts: PartsKind,
        value: ValueKind = "energy",
        calibration: Calibration = UNKNOWN_CALIBRATION,
        keep: int = 200_000,
        *,
        with_theorem: bool = False,
        whole: bool = False,
    ) -> None:
        if value == "cost" and head.weight.shape[1] < 2:
            raise UsageError(
                "ebm: the checkpoint was trained without an output for the remaining steps, so --ebm-value cost has "
                "nothing to go by; use --ebm-value energy, or train with --ebm-remaining-output"
            )
        self._head = head
        self._encoder = PartEncoder(encoder, "state", keep=0)  # a part is encoded as it stands; results are kept here
        self._parts: PartsKind = parts
        self._value = value
        self._calibration = calibration
        self._keep = keep
        self._with_theorem = with_theorem
        self._whole = whole
        self._known: OrderedDict[_Name, float] = OrderedDict()

    @property
    def reads_moves(self) -> bool:
        """Whether the encoder may ask a policy, which wants to know what may be tried."""
        return self._whole

    def score(self, requests: Sequence[ScoreRequest]) -> Sequence[float | None]:
        """One value a request: minus its energy or its expected steps; ``None`` where that is no finite number.

        Raises:
            InputError: the encoder returned a row that is not finite or all zeros.
        """
        named = [self._named(request) for request in requests]
        wanted: dict[_Name, int] = {}
        for place, names in enumerate(named):
            for name in names:
                if name in self._known:
                    self._known.move_to_end(name)
                else:
                    wanted.setdefault(name, place)
        fresh = self._value_parts(wanted, named, requests)
        values: list[float | None] = []
        for names in named:
            value = sum(fresh[name] if name in fresh else self._known[name] for name in names)
            values.append(value if math.isfinite(value) else None)
        self._known.update(fresh)
        while len(self._known) > self._keep:
            self._known.popitem(last=False)
        return values

    def calibration(self) -> Calibration:
        """The weights fitted on validation decisions; 0 for a value that showed no gain there, unless forced."""
        return self._calibration

    def close(self) -> None:
        """Forgets the energies of known states. Idempotent."""
        self._known.clear()

    def _named(self, request: ScoreRequest) -> Sequence[_Name]:
        """The parts of the state: each part's text, and the theorem where that decides what is read of it."""
        state, about = request.state, self._about(request)
        if self._parts == "state":
            return ((state.text, about),)
        return [(goal.text, about) for goal in state.goals]

    def _about(self, request: ScoreRequest) -> str | None:
        if self._whole:  # of theorems with one statement, each has rows of its own
            return f"{request.theorem.name}\n{request.theorem.statement}"
        return request.theorem.statement if self._with_theorem else None

    def _value_parts(
        self, wanted: dict[_Name, int], named: Sequence[Sequence[_Name]], requests: Sequence[ScoreRequest]
    ) -> dict[_Name, float]:
        """The values of parts by name, in one batch; ``wanted`` says in which request each stands."""
        if not wanted:
            return {}
        made: dict[int, Sequence[ProofState]] = {}
        for (text, _), place in wanted.items():
            if place not in made:
                made[place] = self._parts_of(requests[place], text)
        parts = [made[place][named[place].index(name)] for name, place in wanted.items()]
        output = self._head(self._encoder.encode_parts(parts))
        value = output.energy if self._value == "energy" else output.remaining
        assert value is not None
        return dict(zip(wanted, (-value.astype(np.float64)).tolist(), strict=True))

    def _parts_of(self, request: ScoreRequest, text: str) -> Sequence[ProofState]:
        """What the encoder is given of a state; ``text`` is that of the whole state, where that is its one part."""
        state = request.state
        if self._parts == "state":
            state = State(text, tuple(state.goals))  # a prover may make the text anew each time
        parts = parts_of(state, self._parts, request.theorem.statement if self._with_theorem else None)
        if not self._whole:
            return parts
        asked = GenerationRequest(request.theorem, request.state, request.moves)
        return [WholeState(part.text, tuple(part.goals), request=asked) for part in parts]


def open_scorer(config: EbmConfig, builder: Builder) -> EbmScorer:
    """Builds the scorer from a checkpoint, by default from the one that comes along for the search's policy.

    Raises:
        InputError: no checkpoint, a damaged one, one that was trained with another encoder, or with options that the
            encoder doesn't have.
        UsageError: a value that its head doesn't give, or no checkpoint comes along for what is searched.
    """
    folder = shipped_checkpoint(builder) if config.path is None else config.path
    checkpoint = load_checkpoint(folder)
    encoders = _built(config, checkpoint, builder)
    policy = policy_fingerprint(encoders)
    if policy not in checkpoint.policies:
        builder.status(
            f"ebm: {folder} was trained beside the policy {checkpoint.policy_fingerprint}, and this search has "
            f"{policy}; if the one stands in for the other, as folds do, the training notes it with --ebm-beside "
            f"{policy} (with --resume where it is done)"
        )
    calibration, message = calibrate(checkpoint, config.value, force=config.force)
    if message:
        builder.status(message)
    return EbmScorer(
        checkpoint.head,
        joined(encoders),
        checkpoint.parts,
        config.value,
        calibration,
        config.keep,
        with_theorem=checkpoint.with_theorem,
        whole=reads_requests(encoders),
    )


def _built(config: EbmConfig, checkpoint: Checkpoint, builder: Builder) -> list[Encoder]:
    """The checkpoint's encoders, or another one in place of the first, if they are those of the training.

    Raises:
        InputError: they are not, or can't be built.
    """
    folder = checkpoint.folder
    kept = dict(checkpoint.encoders)
    first, *appended = kept
    names = [config.encoder or first, *appended]
    encoders = []
    for name in names:
        try:
            encoders.append(builder.encoder(name, kept.get(name)))
        except InputError as error:
            raise InputError(f"{folder / MANIFEST}: its encoder {name!r} can't be built: {error}") from error
    found = joined(encoders).fingerprint()
    if found != checkpoint.encoder_fingerprint:
        raise InputError(
            f"{folder}: trained with the encoder {' and '.join(map(repr, kept))} of fingerprint "
            f"{checkpoint.encoder_fingerprint}, but {' and '.join(map(repr, names))} as it is now has {found}; use the "
            f"encoder with the options of the training (see train.toml or {MANIFEST} there), or train again"
        )
    return encoders


def calibrate(checkpoint: Checkpoint, value: ValueKind, *, force: bool) -> tuple[Calibration, str]:
    """How a checkpoint's value is to be mixed, and what a person should know about it (or ``""``).

    Raises:
        InputError: what the checkpoint says of it is damaged.
    """
    of_values = checkpoint.metrics.get("mixing", {})
    if not isinstance(of_values, dict):
        raise InputError(
            f"{checkpoint.folder / MANIFEST}: damaged: metrics.mixing is {of_values!r}, expected an object"
        )
    entry = of_values.get(value)
    if entry is None:
        calibration = UNKNOWN_CALIBRATION
        reason = f"ebm: {checkpoint.folder} had no validation decisions to weigh its value on"
        if force:
            forced = Calibration(0.0, 1.0, 0.0, 1.0, _FORCED_WEIGHT, 1.0)
            return forced, f"{reason}; it is forced and weighs {_FORCED_WEIGHT}, without a common scale"
        return calibration, f"{reason}, so it weighs 0 and changes no order; --ebm-force uses it all the same"
    try:
        mixing = Mixing.from_json(entry)
    except ValueError as error:
        raise InputError(f"{checkpoint.folder / MANIFEST}: damaged: metrics.mixing.{value}: {error}") from None
    calibration = mixing.calibration(force=force)
    if mixing.helps:
        return calibration, ""
    interval = (
        f"{100 * mixing.gain:+.1f} points of rank-1 ({100 * mixing.gain_low:+.1f} to {100 * mixing.gain_high:+.1f})"
    )
    reason = f"ebm: on validation decisions the value of {checkpoint.folder} gained {interval}"
    if force:
        return calibration, f"{reason}; it is forced and weighs {calibration.value_weight:.2f}"
    said = "which may be nothing, so it weighs 0 and changes no order; --ebm-force uses it all the same"
    return calibration, f"{reason}, {said}"
