#!PYTHON
"""Stands for the REPL of the Lean community: its protocol in front, a real Lean behind.

A theorem whose proof is ``sorry`` gets a process of Lean's that stands in front of that hole and tries tactics on saved
states (``ReplLoop.lean``). Ids are numbers in a list, and nothing is freed, as in the real one.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

LEAN, LIBRARY = "LEAN", "LIBRARY"
ENVIRONMENT = {**os.environ, "LEAN_PATH": LIBRARY}
HOLE = re.compile(r"\bby\s+(sorry)\b")
FOLDER = tempfile.TemporaryDirectory()

texts = []
"""What each environment was made of, by its id."""
states = []
"""The process and its own number of each state, by its id."""


def written(text):
    file, path = tempfile.mkstemp(suffix=".lean", dir=FOLDER.name)
    with os.fdopen(file, "w") as stream:
        stream.write(text)
    return path


class Loop:
    """A process of Lean's in front of a hole."""

    def __init__(self, text):
        words = [LEAN, written(f"import ReplLoop\n{text}repl_loop\n")]
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
        )

    def ask(self, state, tactic):
        self.process.stdin.write(json.dumps({"proofState": state, "tactic": tactic}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def place(text, offset):
    return {"line": text.count("\n", 0, offset) + 1, "column": offset - (text.rfind("\n", 0, offset) + 1)}


def command(request):
    before = "" if request.get("env") is None else texts[request["env"]]
    text = request["cmd"]
    whole = f"{before}{text}\n"
    done = subprocess.run([LEAN, "--json", written(whole)], capture_output=True, text=True, env=ENVIRONMENT)
    shift = before.count("\n")
    messages = []
    for line in done.stdout.splitlines():
        said = json.loads(line)
        if said["pos"]["line"] > shift:
            severity = {"information": "info"}.get(said["severity"], said["severity"])
            pos = {"line": said["pos"]["line"] - shift, "column": said["pos"]["column"]}
            messages.append({"severity": severity, "pos": pos, "data": said["data"]})
    answer = {"env": len(texts)}
    texts.append(whole)
    if messages:
        answer["messages"] = messages
    holes = [] if any(one["severity"] == "error" for one in messages) else list(HOLE.finditer(text))
    if holes:
        answer["sorries"] = [opened(before, text, hole) for hole in holes]
    return answer


def opened(before, text, hole):
    loop = Loop(before + text[: hole.start(1)])
    first = loop.ask(0, "skip")
    states.append((loop, 0))
    return {
        "proofState": len(states) - 1,
        "pos": place(text, hole.start(1)),
        "endPos": place(text, hole.end(1)),
        "goal": "\n\n".join(first["goals"]),
    }


def tactic(request):
    if request["proofState"] >= len(states):
        return {"message": "Unknown proof state."}
    loop, number = states[request["proofState"]]
    found = loop.ask(number, request["tactic"])
    if "message" in found:
        return {"message": f"Lean error:\n{found['message']}"}
    states.append((loop, found["proofState"]))
    status = "Incomplete: open goals remain" if found["goals"] else "Completed"
    return {"proofState": len(states) - 1, "goals": found["goals"], "proofStatus": status}


def main():
    read = ""
    for line in sys.stdin:
        if line.strip():
            read += line.rstrip("\n")
        elif read:
            request = json.loads(read)
            read = ""
            answer = command(request) if "cmd" in request else tactic(request)
            sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n\n")
            sys.stdout.flush()


main()
