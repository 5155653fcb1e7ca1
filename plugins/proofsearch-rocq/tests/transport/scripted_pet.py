"""A petanque whose answers are written down: JSON-RPC as ``pet`` speaks it, about one small proof.

Run as a program. What it is asked is appended to the file that the environment variable ``PET_LOG`` names.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

TRUE = {"info": {"evar": ["Ser_Evar", 7], "name": ["Id", "Goal"]}, "hyps": [], "ty": "True"}
LEFT = {
    "info": {"evar": ["Ser_Evar", 8], "name": ["Id", "Goal"]},
    "hyps": [{"names": ["n", "m"], "def": None, "ty": "nat"}, {"names": ["x"], "def": "3", "ty": "nat"}],
    "ty": "n = ?k",
}
SHELVED = {"info": {"evar": ["Ser_Evar", 9], "name": ["Id", "k"]}, "hyps": [], "ty": "nat"}
NIL = {"info": {"evar": ["Ser_Evar", 7], "name": None}, "hyps": [], "ty": "nil = nil"}
FULL = {**NIL, "ty": "@nil nat = @nil nat"}


def shown(*goals: object, stack: object = (), shelf: object = (), given_up: object = ()) -> object:
    """The answer to ``petanque/goals``."""
    return {"goals": goals, "stack": stack, "bullet": None, "shelf": shelf, "given_up": given_up}


STEPS: dict[str, object] = {
    "Proof.": shown(TRUE),
    "(split).": shown(LEFT, TRUE, shelf=[SHELVED]),
    "(focused).": shown(LEFT, stack=[[[TRUE], [TRUE]]]),
    "(admit).": shown(given_up=[TRUE]),
    "(nil).": shown(NIL),
    "(done).": shown(),
    "Qed.": None,
}
REFUSED = {"(foo).": "Coq: The reference foo was not found", "(loops).": "Coq: Timeout!"}


def main() -> None:
    """Answers until there are no more questions."""
    log = Path(os.environ["PET_LOG"])
    states: list[object] = [None]
    while head := sys.stdin.buffer.readline():
        sys.stdin.buffer.readline()
        request = json.loads(sys.stdin.buffer.read(int(head.split(b":")[1])))
        with log.open("a", encoding="utf-8") as file:
            print(json.dumps([request["method"], request["params"]]), file=file)
        say({"method": "$/logTrace", "params": {"message": "not an answer"}})
        say({"id": request["id"], **answer(request["method"], request["params"], states)})


def answer(method: str, params: dict[str, object], states: list[object]) -> dict[str, object]:
    """The result or error of a request."""
    if method == "petanque/setWorkspace":
        return {"result": None}
    if method == "petanque/get_root_state":
        return {"result": {"st": 0, "proof_finished": False, "feedback": []}}
    if method == "petanque/goals":
        return {"result": states[int(str(params["st"]))]}
    sentence = str(params["tac"]).removeprefix("Timeout 2 ").removeprefix("Timeout 8 ")
    if sentence == "(dies).":
        os._exit(3)
    if sentence == "(hangs).":
        time.sleep(3600)
    if sentence in REFUSED:
        return {"error": {"code": -32003, "message": REFUSED[sentence]}}
    before = states[int(str(params["st"]))]
    after = STEPS.get(sentence, before)
    states.append(shown(FULL) if sentence.startswith("Set Printing Impl") and before == STEPS["(nil)."] else after)
    return {"result": {"st": len(states) - 1, "proof_finished": after is None, "feedback": []}}


def say(message: dict[str, object]) -> None:
    """Writes a message."""
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
