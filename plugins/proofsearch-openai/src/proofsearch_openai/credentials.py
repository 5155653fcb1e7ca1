"""The key of a server: read from the environment, and kept out of everything that is written or shown."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from urllib.parse import quote

from proofsearch.errors import UsageError

PLACEHOLDER = "none"
"""Sent where there is no key: the client insists on one."""

HIDDEN = "***"
"""What stands in place of the key."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, or that there is none.

    Attributes:
        variable: the environment variable that it is from.
        secret: the key; not in the ``repr``.
    """

    variable: str
    secret: str | None = field(repr=False)

    @property
    def sent(self) -> str:
        """What the server is sent."""
        return self.secret or PLACEHOLDER

    def hide(self, text: str) -> str:
        """The text without the key, in whatever way a server may have written it."""
        if self.secret is not None:
            # The longest first: where two forms differ, the shorter may be a part of the longer.
            forms = {self.secret, json.dumps(self.secret)[1:-1], quote(self.secret, safe=""), quote(self.secret)}
            for form in sorted(forms, key=lambda form: (-len(form), form)):
                text = text.replace(form, HIDDEN)
        return text


def read_key(variable: str) -> ApiKey:
    """The key that an environment variable holds; white space around it is dropped, and empty is none.

    Raises:
        UsageError: it can't be a key. Sent, it would be an error of the HTTP library that shows it.
    """
    secret = os.environ.get(variable, "").strip()
    if not (secret.isascii() and secret.isprintable() and " " not in secret):
        raise UsageError(
            f"the environment variable {variable} holds no key: there are spaces, line breaks or characters beyond "
            f"ASCII in it; set it again"
        )
    return ApiKey(variable, secret or None)
