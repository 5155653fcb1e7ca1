"""A language server that does what a test tells it to: ``python scripted.py BEHAVIOUR``."""

import json
import sys
import time


def read():
    size = 0
    while (line := sys.stdin.buffer.readline()) not in (b"\r\n", b""):
        size = int(line.split(b":")[1])
    return json.loads(sys.stdin.buffer.read(size)) if size else None


def write(message):
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    sys.stdout.buffer.flush()


def serve(behaviour):
    first = read()
    if behaviour == "mute":
        time.sleep(600)
    if behaviour == "refuse":
        write({"id": first["id"], "error": {"code": -1, "message": "not today"}})
        return
    write({"id": first["id"], "result": {"capabilities": {}}})
    if behaviour == "deaf":
        time.sleep(600)
    while (message := read()) is not None:
        if "id" not in message:
            continue
        if behaviour == "chatty":
            # A line without an end, and much more than a pipe holds.
            sys.stderr.write("x" * 300_000 + "\n" + "noise\n" * 50_000)
            sys.stderr.flush()
        elif behaviour == "asking":
            write({"id": "of the server", "method": "client/registerCapability", "params": {}})
            answer = read()
            assert answer["id"] == "of the server", answer
        elif behaviour == "garbage":
            sys.stdout.buffer.write(b"what is this?\r\n\r\n")
            sys.stdout.buffer.flush()
            time.sleep(600)
        elif behaviour == "cut":
            sys.stdout.buffer.write(b'Content-Length: 500\r\n\r\n{"id": ')
            return
        elif behaviour == "list":
            sys.stdout.buffer.write(b"Content-Length: 2\r\n\r\n[]")
            sys.stdout.buffer.flush()
            time.sleep(600)
        write({"id": message["id"], "result": {"echo": message["params"]}})


if __name__ == "__main__":
    if sys.argv[1] == "dead":
        sys.exit("no such option: --server")
    serve(sys.argv[1])
