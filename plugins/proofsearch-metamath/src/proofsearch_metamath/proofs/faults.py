"""What is wrong with a proof, before its place is known."""

from __future__ import annotations


class UnplacedError(Exception):
    """A proof breaks a rule; where that is in a file is still to be found.

    Attributes:
        kind, message: see :class:`~proofsearch_metamath.errors.MetamathError`.
        token: index of the proof's token at fault, -1 where no single one is.
        character: offset in that token.
        step: 1-based number of the step, 0 if none.
    """

    def __init__(self, kind: str, message: str, token: int = -1, character: int = 0, step: int = 0) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.token = token
        self.character = character
        self.step = step
