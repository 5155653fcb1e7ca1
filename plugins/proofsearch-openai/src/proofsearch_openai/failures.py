"""What the client's errors mean, as errors for people. None shows the key."""

from __future__ import annotations

from collections.abc import Sequence

import openai

from proofsearch.errors import ProofsearchError, UsageError
from proofsearch_openai.config import ServerConfig
from proofsearch_openai.credentials import ApiKey
from proofsearch_openai.errors import FailedError, RefusedError, ServerError

SHOWN = 500
"""Characters of a server's message that are shown."""

_MODELS_SHOWN = 20


def explain(
    error: openai.OpenAIError | ValueError,
    config: ServerConfig,
    key: ApiKey,
    model: str | None,
    served: Sequence[str] | None,
) -> ProofsearchError:
    """The error to raise instead of the client's.

    Args:
        error: the client's; a ``ValueError`` where an answer is no JSON.
        config: of the component.
        key: to be kept out.
        model: that was asked for.
        served: the models that the server says it has; ``None`` where it doesn't.
    """
    url, option = config.base_url, config.option
    times = f"{config.retries + 1} times" if config.retries else "once"
    if isinstance(error, openai.APITimeoutError):
        return ServerError(
            f"{url}: no answer within {config.timeout:g} s, asked {times}; see what the server does, raise "
            f"{option('timeout')} or lower {option('concurrency')}"
        )
    if isinstance(error, openai.APIConnectionError):
        why = shown(str(error.__cause__ or error) or type(error.__cause__).__name__, key)
        return ServerError(
            f"{url}: no connection, tried {times}: {why}. Start a server there, "
            f"for example with: vllm serve MODEL; or name another address with {option('base_url')}"
        )
    if not isinstance(error, openai.APIStatusError):
        return ServerError(
            f"{url}: an answer that is no whole JSON: {shown(str(error), key)}; look whether {option('base_url')} is "
            f"that of an OpenAI-compatible server, and at its log"
        )
    status, said = error.status_code, shown(_message(error), key)
    if status in (401, 403):
        held = "refuses the key in" if key.secret else "wants a key, and none is in"
        return UsageError(f"{url}: {held} the environment variable {key.variable} ({status}): {said}")
    lacking = _lacking(model, served)
    if status == 429 or status >= 500:
        busy = "is too busy" if status in (429, 503) else "failed"
        hint = lacking or f"lower {option('concurrency')}, raise {option('retries')}, or see its log"
        kind = FailedError if status == 500 else ServerError
        return kind(f"{url}: the server {busy} ({status}), asked {times}: {said}; {hint}")
    if status == 404 and lacking:
        return UsageError(f"{url}: {lacking}; choose with {option('model')}. It says (404): {said}")
    if status == 404:
        return UsageError(
            f"{url}: not found (404): {said}. Either {option('base_url')} is not that of an OpenAI-compatible server "
            f"(it ends with /v1 mostly), or the server doesn't offer this for the model {model!r}"
        )
    # A server may have more models than it lists, so that this is only a hint.
    hint = f"; {lacking}" if lacking else ""
    return RefusedError(f"{url}: the server refuses a request for the model {model!r} ({status}): {said}{hint}")


def listed(models: Sequence[str]) -> str:
    """Models for a message."""
    more = f" and {len(models) - _MODELS_SHOWN} more" if len(models) > _MODELS_SHOWN else ""
    return ", ".join(map(repr, models[:_MODELS_SHOWN])) + more if models else "none"


def _lacking(model: str | None, served: Sequence[str] | None) -> str:
    if model is None or served is None or model in served:
        return ""
    return f"the server lists no model {model!r}; it lists: {listed(served)}"


def _message(error: openai.APIStatusError) -> str:
    """What the server says, wherever it says it: servers differ."""
    body = error.body
    if isinstance(body, dict):
        for place in ("error", "message", "detail"):
            inner = body.get(place)
            if isinstance(inner, dict):
                inner = inner.get("message")
            if inner:
                return inner if isinstance(inner, str) else str(inner)
    return str(body) if body else "no message"


def shown(text: str, key: ApiKey) -> str:
    """What a server says, for a message: without the key, on one line, and not longer than :data:`SHOWN`."""
    # Hidden before it is cut, or the cut could leave a part of the key.
    text = " ".join(key.hide(text).split())
    return text if len(text) <= SHOWN else text[:SHOWN] + " …"
