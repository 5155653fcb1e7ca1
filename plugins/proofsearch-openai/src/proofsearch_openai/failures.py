"""What the client's errors mean, as errors for people. None shows the key."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Sequence

import openai

from proofsearch.errors import ProofsearchError, UsageError
from proofsearch_openai.config import ServerConfig
from proofsearch_openai.credentials import ApiKey
from proofsearch_openai.errors import FailedError, RefusedError, ServerError
from proofsearch_openai.route import CERTIFICATES, proxy_in_use

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
    option, proxy = config.option, proxy_in_use(config)
    url = f"{config.base_url}, through the proxy of {proxy}" if proxy else config.base_url
    times = f"{config.retries + 1} times" if config.retries else "once"
    if isinstance(error, openai.APITimeoutError):
        return ServerError(
            f"{url}: no answer within {config.timeout:g} s, asked {times}; see what the server does, raise "
            f"{option('timeout')} or lower {option('concurrency')}"
        )
    if isinstance(error, openai.APIConnectionError):
        why = shown(str(error.__cause__ or error) or type(error.__cause__).__name__, key)
        return ServerError(f"{url}: no connection, tried {times}: {why}. {_remedy(error, config, proxy)}")
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
    if status in (408, 409, 425, 429) or status >= 500:
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
    if "use_activation" in said:
        hint += f"; for a server that doesn't know this field, choose {option('use_activation')} unsent"
    return RefusedError(f"{url}: the server refuses a request for the model {model!r} ({status}): {said}{hint}", said)


def _remedy(error: openai.APIConnectionError, config: ServerConfig, proxy: str) -> str:
    """What to do where no connection comes about."""
    option = config.option
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
        named = [f"{variable}={os.environ[variable]}" for variable in CERTIFICATES if os.environ.get(variable)]
        trusted = f"only those of {', '.join(named)}" if named else "those of well-known authorities"
        return f"The server's certificate is not trusted, {trusted} are; name its authority's with SSL_CERT_FILE"
    if proxy:
        return (
            f"See whether the proxy is there and lets this address through; where none is needed, name the server in "
            f"NO_PROXY, or choose {option('proxy')} none"
        )
    return (
        f"Start a server there, for example with: vllm serve MODEL; or name another address with {option('base_url')}"
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


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
                field, inner = inner.get("param"), inner.get("message")
                if inner and isinstance(field, str) and field not in str(inner):
                    return f"{inner} ({field})"
            if inner:
                return inner if isinstance(inner, str) else str(inner)
    return str(body) if body else "no message"


def shown(text: str, key: ApiKey) -> str:
    """What a server says, for a message: without the key, on one line, and not longer than :data:`SHOWN`."""
    # Hidden before it is cut, or the cut could leave a part of the key.
    text = " ".join(key.hide(text).split())
    return text if len(text) <= SHOWN else text[:SHOWN] + " …"
