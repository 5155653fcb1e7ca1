"""What ``proofsearch doctor`` finds out about served models: whether a server answers where one is looked for."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

from proofsearch import Finding
from proofsearch.errors import UsageError

_SECONDS = 2.0
"""How long the default address may take to answer; it is on this machine."""


def examine() -> Iterator[Finding]:
    """The key's variable, of which only whether it is set is told, and the server at the default address."""
    from proofsearch_openai.config import ServerConfig
    from proofsearch_openai.credentials import read_key

    config = ServerConfig()
    try:
        key = read_key(config.api_key_variable)
    except UsageError as error:
        yield Finding("key", "problem", str(error))
    else:
        if key.secret is None:
            remedy = "only for services that want one; another variable with --openai-api-key-variable"
            yield Finding("key", "absent", f"{config.api_key_variable} is not set", remedy)
        else:
            yield Finding("key", "found", f"{config.api_key_variable} is set")
    yield _server(config.base_url)


def _server(address: str) -> Finding:
    # The address is this machine's own, so no proxy has a say; and no key is sent to whoever listens there.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{address}/models", timeout=_SECONDS) as answer:
            models = [str(model["id"]) for model in json.load(answer)["data"]]
    except urllib.error.HTTPError as error:
        return Finding("server", "absent", f"{address} answers with {error.code}", "see what runs there")
    except (OSError, ValueError, KeyError, TypeError):
        remedy = "start one, for example: vllm serve MODEL; or name another address with --openai-base-url"
        return Finding("server", "absent", f"no server answers at {address}", remedy)
    return Finding("server", "found", f"{address} serves {', '.join(models) or 'no model'}")
