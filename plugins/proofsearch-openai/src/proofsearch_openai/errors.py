"""What can go wrong with a server, beside what :mod:`proofsearch.errors` has."""

from __future__ import annotations

from proofsearch.errors import ProofsearchError, UsageError


class ServerError(ProofsearchError):
    """A server that can't be reached, is too busy, fails, or gives an answer that can't be used. Exit code 1."""


class FailedError(ServerError):
    """A server that failed in the midst of a request (500)."""


class RefusedError(UsageError):
    """A request that the server takes for wrong (400, 413, 422). Exit code 2.

    Attributes:
        said: the server's own words, without the key.
    """

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(message)
        self.said = said
