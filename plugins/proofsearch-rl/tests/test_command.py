"""``proofsearch serve`` as it is typed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import psutil
import pytest
from proofsearch_rl.client import TOKEN_VARIABLE, Client, ServedError


def serve(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if key != TOKEN_VARIABLE} | variables
    return subprocess.Popen(
        [sys.executable, "-m", "proofsearch", "serve", "--env", "rl-prover", "--workers", "1", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_and_stops_when_told(how: signal.Signals) -> None:
    process = serve("--port", "0", "--rl-prover-size", "7", "--max-steps", "1")
    assert process.stdout is not None and process.stderr is not None
    said = process.stderr.readline()
    token = said.rsplit(" ", 1)[1].strip()
    url = process.stdout.readline().strip()
    assert re.fullmatch(r"ws://127\.0\.0\.1:\d+/ws", url), said
    with Client(url, token) as client:
        assert len(client.theorems("all")) == 7
        client.session().reset("zero-0")
        assert client.session().step("half").truncated
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(how)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert (out, err) == ("", "stopped\n")
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)


def test_the_token_of_the_environment_is_not_shown() -> None:
    process = serve("--port", "0", **{TOKEN_VARIABLE: "a secret that nobody reads"})
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    with Client(url, "a secret that nobody reads") as client:
        assert client.theorems()
    with pytest.raises(ServedError, match="token"):
        Client(url, "another")
    process.terminate()
    assert process.communicate(timeout=120)[1] == "stopped\n"


def test_a_server_that_is_killed_leaves_no_worker() -> None:
    process = serve("--port", "0")
    assert process.stdout is not None
    process.stdout.readline()
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.kill()
    process.communicate(timeout=120)
    psutil.wait_procs(children, timeout=120)
    assert not any(child.is_running() for child in children)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--env", "nowhere"], 4, "no environment is named 'nowhere'"),
        (["--split", "nonsense"], 2, "nonsense"),
        (["--step-timeout", "0"], 2, "--step-timeout"),
        (["--host", "256.0.0.1", "--port", "0"], 3, "256.0.0.1:0: can't listen there"),
        (["--metamath-database", "x.mm"], 2, "the environment 'metamath' is not chosen, 'rl-prover' is"),
        (["--env", "metamath", "--metamath-database", "x.mm"], 3, "can't be served: .*x.mm: no such file"),
    ],
)
def test_what_cant_be_served_is_said(arguments: list[str], code: int, said: str) -> None:
    process = serve(*arguments)
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    assert re.search(said, err)
    assert out == ""
    assert "Traceback" not in err
