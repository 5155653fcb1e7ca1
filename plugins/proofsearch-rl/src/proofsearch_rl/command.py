"""``proofsearch serve``: serves a prover until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError

from proofsearch import open_prover
from proofsearch.config.bounds import LARGEST, MOST_WORKERS
from proofsearch.config.explain import Place, explain
from proofsearch.errors import UsageError
from proofsearch.interruption import SIGNALS
from proofsearch.process import streams
from proofsearch_rl.client import TOKEN_VARIABLE
from proofsearch_rl.serving.server import serving
from proofsearch_rl.serving.settings import ServeSettings

_DEFAULTS = ServeSettings()


def _says(field: str) -> Any:
    return ServeSettings.model_fields[field].description


def _bounds(field: str) -> Any:
    return type(_DEFAULTS.episodes).model_fields[field].description


def serve(
    env: Annotated[str, typer.Option("--env", help=_says("env"))] = _DEFAULTS.env,
    split: Annotated[
        Literal["train", "validation", "test", "all"], typer.Option(help=_says("split"))
    ] = _DEFAULTS.split,
    min_tier: Annotated[
        Literal["replayed", "kernel", "axioms audited", "second checker"], typer.Option(help=_bounds("min_tier"))
    ] = _DEFAULTS.episodes.min_tier,
    max_steps: Annotated[
        int, typer.Option(min=1, max=LARGEST, help=_bounds("max_steps"))
    ] = _DEFAULTS.episodes.max_steps,
    max_tactic: Annotated[
        int, typer.Option(min=1, max=LARGEST, help=_bounds("max_tactic"))
    ] = _DEFAULTS.episodes.max_tactic,
    host: Annotated[str, typer.Option(help=_says("host"))] = _DEFAULTS.host,
    port: Annotated[int, typer.Option(min=0, max=65535, help=_says("port"))] = _DEFAULTS.port,
    workers: Annotated[int, typer.Option(min=0, max=MOST_WORKERS, help=_says("workers"))] = _DEFAULTS.workers,
    max_sessions: Annotated[int, typer.Option(min=1, max=LARGEST, help=_says("max_sessions"))] = _DEFAULTS.max_sessions,
    max_message: Annotated[int, typer.Option(min=1024, max=LARGEST, help=_says("max_message"))] = _DEFAULTS.max_message,
    step_timeout: Annotated[float, typer.Option(help=_says("step_timeout"))] = _DEFAULTS.step_timeout,
    idle_timeout: Annotated[float, typer.Option(help=_says("idle_timeout"))] = _DEFAULTS.idle_timeout,
    worker_memory: Annotated[
        int, typer.Option(min=64, max=LARGEST, help=_says("worker_memory"))
    ] = _DEFAULTS.worker_memory,
    *,
    options: dict[str, dict[str, Any]],
) -> None:
    """Serve a prover to reinforcement learning: many sessions, tactic by tactic, rewarded by the independent check.

    Clients have to say a token: that of the environment variable PROOFSEARCH_TOKEN, or else one that is made and shown.
    """
    given = {
        "env": env,
        "options": options,
        "episodes": {"min_tier": min_tier, "max_steps": max_steps, "max_tactic": max_tactic},
        "split": split,
        "host": host,
        "port": port,
        "workers": workers,
        "max_sessions": max_sessions,
        "max_message": max_message,
        "step_timeout": step_timeout,
        "idle_timeout": idle_timeout,
        "worker_memory": worker_memory,
    }
    try:
        settings = ServeSettings.model_validate(given)
    except ValidationError as error:
        raise UsageError(explain(error, ServeSettings, _flag)) from None
    # A worker's complaints come as text: what is wrong with options is found here, with its own exit code.
    open_prover(settings.env, settings.options, settings.episodes.min_tier).close()
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        token = secrets.token_urlsafe()
        streams.message(f"clients have to say this token, for example in {TOKEN_VARIABLE}: {token}")
    asyncio.run(_serve(settings, token))


async def _serve(settings: ServeSettings, token: str) -> None:
    """Serves until a signal."""
    loop, running = asyncio.get_running_loop(), asyncio.current_task()
    assert running is not None
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, running.cancel)
    try:
        async with serving(settings, token) as server:
            streams.output(server.url)
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        streams.message("stopped")


def _flag(place: Place) -> str:
    return f"--{str(place[-1]).replace('_', '-')}"
