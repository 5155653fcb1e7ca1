"""Whatever a client does ends in a clear answer, for nobody else, and leaves nothing behind."""

from __future__ import annotations

import base64
import json
import socket
import struct
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from proofsearch_rl.client import Client, ServedError
from proofsearch_rl.serving.background import Served
from waiting import until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect as connect_raw

Serve = Callable[..., Served]
Connect = Callable[[Served], Client]


def raw(at: Served, **options: Any) -> Any:
    """A connection that sends what it is told."""
    headers = {"Authorization": f"Bearer {at.token}"}
    return connect_raw(at.url, additional_headers=headers, proxy=None, compression=None, **options)


def is_well(at: Served) -> None:
    """Checks that the server holds nothing, in its workers either, and that the next client is served."""
    until(lambda: at.server.status()["clients"] == 0 and at.server.capacity.sessions == 0)
    assert all(link.sessions == 0 for link in at.server.links)
    with Client(at.url, at.token) as client:
        for number in range(len(at.server.links)):  # one lands in each worker
            client.session(number).reset("zero-0")
            assert client.session(number).step("count").message == "1"
    until(lambda: at.server.capacity.sessions == 0)


# ---------------------------------------------------------------------------------------------------- who may connect


def get(at: Served, path: str, **headers: str) -> tuple[int, dict[str, Any]]:
    address = at.url.replace("ws://", "http://").removesuffix("/ws") + path
    request = urllib.request.Request(address, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.parametrize("token", ["", "wrong", "Ünïcode", "a" * 5000])
def test_a_wrong_token_is_refused(shared: Served, token: str) -> None:
    with pytest.raises(ServedError, match="the token is missing or wrong"):
        Client(shared.url, token.encode("ascii", "ignore").decode())
    assert get(shared, "/schema", Authorization=f"Bearer {token}".encode().decode("latin-1"))[0] == 401
    assert get(shared, "/status")[0] == 401
    is_well(shared)


def test_a_part_of_the_token_is_no_token(shared: Served) -> None:
    for said in (
        f"Bearer {shared.token[:-1]}",
        f"Bearer {shared.token}x",
        shared.token,
        f"Digest {shared.token}",
        "Basic !",
        "Basic",
    ):
        assert get(shared, "/schema", Authorization=said)[0] == 401, said


def test_the_token_may_be_the_password_of_a_url(shared: Served) -> None:
    basic = base64.b64encode(f":{shared.token}".encode()).decode()
    assert get(shared, "/schema", Authorization=f"Basic {basic}")[0] == 200
    with connect_raw(shared.url.replace("://", f"://any:{shared.token}@"), proxy=None) as connection:
        connection.send('{"type": "reset", "data": {"theorem": "zero-0"}}')
        assert json.loads(connection.recv())["type"] == "observation"


def test_no_page_in_a_browser_may_connect(shared: Served) -> None:
    """A page of anyone's can open a WebSocket to this machine; browsers say which page it is."""
    with pytest.raises(InvalidStatus) as refused, raw(shared, origin="http://127.0.0.1:8765"):
        pass
    assert refused.value.response.status_code == 403
    is_well(shared)


def test_only_this_machine_is_listened_to_unless_asked(serve: Serve) -> None:
    (listening,) = serve().server._server.sockets  # type: ignore[union-attr]
    assert listening.getsockname()[0] == "127.0.0.1"


def test_plain_requests(shared: Served) -> None:
    said = {"Authorization": f"Bearer {shared.token}"}
    assert get(shared, "/health") == (200, {"status": "healthy"})
    assert set(get(shared, "/schema", **said)[1]) == {"action", "observation", "state"}
    assert get(shared, "/metadata", **said)[1]["name"] == "proofsearch"
    assert get(shared, "/status", **said)[1]["sessions"] == 0
    assert get(shared, "/etc/passwd", **said)[0] == 404


# --------------------------------------------------------------------------------------------------- what they may send


@pytest.mark.parametrize("frame", [b"\x00\xff", "nonsense", "[]", "{}", '{"type": "step", "data": {"tactic": 1}}'])
def test_what_is_no_message_is_answered_and_the_client_stays(shared: Served, frame: str | bytes) -> None:
    with raw(shared) as connection:
        connection.send(frame)
        answer = json.loads(connection.recv())
        assert answer["type"] == "error"
        assert answer["data"]["code"] in ("INVALID_JSON", "UNKNOWN_TYPE", "VALIDATION_ERROR")
        connection.send('{"type": "reset", "data": {"theorem": "zero-0"}}')
        assert json.loads(connection.recv())["type"] == "observation"
    is_well(shared)


def test_a_huge_tactic_is_rejected_and_a_huge_message_ends_the_connection(serve: Serve, connect: Connect) -> None:
    at = serve(max_message=100_000)
    episode = connect(at).session()
    episode.reset("zero-0")
    rejected = episode.step("x" * 50_000)
    assert (rejected.outcome, rejected.reward) == ("rejected", 0)
    assert "may have 4096 characters, this one has 50000" in rejected.message
    with pytest.raises(ServedError, match="disconnected: 1009"):
        episode.step("x" * 200_000)
    until(lambda: at.server.capacity.sessions == 0)
    with Client(at.url, at.token) as other:
        assert other.session().reset("zero-0").state == "2 is 0"


def test_broken_frames_and_bytes_that_are_no_websocket(shared: Served) -> None:
    address = ("127.0.0.1", shared.server.port)
    for sent in (b"\x16\x03\x01\x02\x00" * 200, b"GET /ws HTTP/1.1\r\n" + b"A: b\r\n" * 5000, b"\r\n\r\n"):
        with socket.create_connection(address, timeout=120) as plain:
            plain.sendall(sent)
            plain.shutdown(socket.SHUT_WR)
            try:
                while plain.recv(4096):
                    pass
            except ConnectionError:
                pass
    with raw(shared) as connection:
        connection.socket.sendall(struct.pack("!BB", 0b1111_0001, 0b1000_0000) + b"\x00" * 4)  # reserved bits
        with pytest.raises(ConnectionClosed):
            connection.recv()
    is_well(shared)


def test_more_sessions_than_there_are_are_refused_and_freed_ones_can_be_had(serve: Serve, connect: Connect) -> None:
    at = serve(max_sessions=3)
    client, other = connect(at), connect(at)
    turns = client.many("reset", {key: {"theorem": "zero-0"} for key in range(5)})
    refused = [turn for turn in turns.values() if isinstance(turn, ServedError)]
    assert len(refused) == 2
    assert {turn.code for turn in refused} == {"CAPACITY_REACHED"}
    assert "all 3 sessions are taken" in str(refused[0])
    with pytest.raises(ServedError, match="all 3 sessions are taken"):
        other.session().reset("zero-0")
    client.end(next(number for number, turn in turns.items() if not isinstance(turn, ServedError)))
    assert other.session().reset("zero-0").state == "2 is 0"


def test_resets_that_fail_take_no_place(serve: Serve, connect: Connect) -> None:
    at = serve(max_sessions=1)
    client = connect(at)
    for number in range(4):
        with pytest.raises(ServedError, match="no theorem"):
            client.session(number).reset("zero-x")
    assert client.session(9).reset("zero-0").state == "2 is 0"


def test_too_many_clients_are_turned_away(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofsearch_rl.serving.server._SPARE", 1)
    at = serve(max_sessions=2)
    clients = [Client(at.url, at.token) for _ in range(3)]
    until(lambda: at.server.status()["clients"] == 3)
    with pytest.raises(ServedError, match="3 clients are connected already"):
        Client(at.url, at.token)
    for client in clients:
        client.close()
    is_well(at)


def test_a_flood_is_answered_one_after_another(shared: Served) -> None:
    """Who sends without reading is not read from: what it sent waits in its own buffers."""
    with raw(shared) as connection:
        connection.send('{"type": "reset", "data": {"theorem": "zero-1"}}')
        for _ in range(300):
            connection.send('{"type": "step", "data": {"tactic": "nonsense"}}')
        answers = [json.loads(connection.recv()) for _ in range(301)]
    steps = [answer["data"]["observation"]["steps"] for answer in answers if answer["type"] == "observation"]
    assert steps == list(range(65))  # the episode's bound; the others are told so
    assert sum(answer["type"] == "error" for answer in answers) == 301 - 65
    is_well(shared)


# -------------------------------------------------------------------------------------------------------- who goes away


def test_abandoned_sessions_are_closed(serve: Serve) -> None:
    at = serve(workers=2)
    for _ in range(5):
        with raw(at) as connection:
            connection.send(json.dumps({"type": "many", "data": [{"type": "reset", "session": n} for n in range(8)]}))
            connection.recv()
            connection.socket.shutdown(socket.SHUT_RDWR)  # no goodbye
    is_well(at)


def test_who_leaves_in_the_middle_of_a_step_leaves_nothing(serve: Serve, tmp_path: Path) -> None:
    at, flag = serve(), tmp_path / "flag"
    with raw(at) as connection:
        connection.send('{"type": "reset", "data": {"theorem": "zero-1"}}')
        connection.recv()
        connection.send(json.dumps({"type": "step", "data": {"tactic": f"wait {flag}"}}))
        until(lambda: len(at.server.links[0]._waiting) == 1)
        connection.socket.shutdown(socket.SHUT_RDWR)
    flag.touch()
    is_well(at)


def test_who_says_nothing_is_disconnected(serve: Serve) -> None:
    at = serve(idle_timeout=0.2)
    with raw(at) as connection, pytest.raises(ConnectionClosed) as closed:
        connection.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.reason == "no message for 0.2 s"
    until(lambda: at.server.status()["clients"] == 0)


# ------------------------------------------------------------------------------------------------- what ends a worker


@pytest.mark.parametrize(
    ("tactic", "settings", "why"),
    [
        ("hang", {"step_timeout": 1.0}, "a tactic may take 1 s, this one took longer"),
        ("die", {}, r"the worker died \(code 9\)"),
    ],
)
def test_a_tactic_that_ends_its_worker_ends_its_own_session_alone(
    serve: Serve, connect: Connect, tactic: str, settings: dict[str, Any], why: str
) -> None:
    at = serve(**settings)
    culprit, other = connect(at).session(), connect(at).session()
    culprit.reset("zero-0")
    other.reset("zero-1")
    other.step("dec")
    other.step("nonsense")
    with pytest.raises(ServedError, match=why) as ended:
        culprit.step(tactic)
    assert ended.value.code == "SESSION_ERROR"
    with pytest.raises(ServedError, match="reset it first"):
        culprit.step("half")
    went_on = other.step("half")  # in a new worker, from where it was
    assert (went_on.state, went_on.steps) == ("19 is 0", 3)
    assert culprit.reset("zero-0").state == "2 is 0"
    assert at.server.links[0].generation == 2


def test_those_that_wait_behind_such_a_tactic_are_answered(serve: Serve, connect: Connect) -> None:
    client = connect(serve(step_timeout=1.0))
    client.many("reset", {key: {"theorem": "zero-1"} for key in range(4)})
    turns = client.many(
        "step", {0: {"tactic": "dec"}, 1: {"tactic": "hang"}, 2: {"tactic": "dec"}, 3: {"tactic": "die"}}
    )
    assert isinstance(turns[1], ServedError) and isinstance(turns[3], ServedError)
    assert [turns[number].state for number in (0, 2)] == ["38 is 0", "38 is 0"]  # type: ignore[union-attr]


def test_a_worker_that_takes_too_much_memory_is_replaced(serve: Serve, connect: Connect) -> None:
    at = serve(worker_memory=400)
    first = at.server.links[0].pid
    assert first is not None
    episode = connect(at).session()
    episode.reset("zero-1")
    try:
        for _ in range(8):
            episode.step("eat 100")
    except ServedError as error:
        assert "a worker may take 400 MB of memory" in str(error)
    until(lambda: not psutil.pid_exists(first))
    assert episode.reset("zero-1").state == "39 is 0"


def test_a_fault_of_the_prover_is_told_to_its_client(serve: Serve, connect: Connect) -> None:
    episode = connect(serve()).session()
    episode.reset("zero-0")
    with pytest.raises(ServedError, match="out of order") as failed:
        episode.step("raise")
    assert failed.value.code == "EXECUTION_ERROR"
    assert episode.step("half").state == "1 is 0"


def test_a_server_that_stops_says_so_to_its_clients(serve: Serve) -> None:
    from proofsearch_rl.serving.background import served
    from proofsearch_rl.serving.settings import ServeSettings

    with served(ServeSettings(env="rl-prover", workers=1, port=0)) as at:
        client = Client(at.url, at.token)
        client.session().reset("zero-0")
        stopping = threading.Event()
    stopping.set()
    with pytest.raises(ServedError, match="disconnected: 1001 the server is stopping"):
        client.session().step("half")
    client.close()
    with pytest.raises(ServedError, match="no server answers there"):
        Client(at.url, at.token)
