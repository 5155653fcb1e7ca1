"""A coqidetop that obeys a script: slow where it is told to be, and it writes down when it was interrupted.

Run as a program. The sentence ``(slow).`` ends at an interrupt alone, ``(deaf).`` at nothing, ``(dies).`` ends it all.
"""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

GOAL = (
    "<goal><string>{}</string><list/><richpp><_><pp>{}</pp></_></richpp>"
    '<option val="some"><string>Goal</string></option></goal>'
)
CALL = re.compile(r'<call val="(\w+)">.*?</call>', re.DOTALL)

busy = False


def interrupted(number: int, frame: object) -> None:
    """Writes it down; where it was at work, the work ends."""
    with Path(os.environ["COQ_LOG"]).open("a", encoding="utf-8") as file:
        print("busy" if busy else "idle", file=file)
    if busy:
        raise KeyboardInterrupt


def answer(content: str, good: bool = True) -> None:
    """Writes an answer."""
    os.write(1, f'<value val="{"good" if good else "fail"}">{content}</value>'.encode())


def main() -> None:
    """Answers until there are no more calls."""
    signal.signal(signal.SIGINT, interrupted)
    document, text = ["start"], ""
    while True:
        data = os.read(0, 1 << 16)
        if not data:
            return
        text += data.decode()
        while found := CALL.match(text):
            text = text[found.end() :]
            serve(found[1], found[0], document)


def serve(call: str, whole: str, document: list[str]) -> None:
    """Answers one call."""
    if call == "Add":
        document.append(re.search(r"<string>(.*?)</string>", whole, re.DOTALL)[1])  # type: ignore[index]
        answer(f'<pair><state_id val="{len(document)}"/></pair>')
    elif call == "Edit_at":
        del document[int(re.search(r'val="(\d+)"', whole[20:])[1]) :]  # type: ignore[index]
        answer("")
    elif call == "Goal":
        goals(document[-1])
    else:
        answer('<state_id val="1"/>' if call == "Init" else "<unit/>")


def goals(sentence: str) -> None:
    """Says what is to be proved behind a sentence, when it is done with that."""
    global busy
    if "(dies)" in sentence:
        os._exit(3)
    if "(deaf)" in sentence:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        time.sleep(3600)
    if "(slow)" in sentence:
        try:
            busy = True
            time.sleep(3600)
        except KeyboardInterrupt:
            answer("<richpp><_><pp>User interrupt.</pp></_></richpp>", good=False)
            return
        finally:
            busy = False
    answer(f'<option val="some"><goals><list>{GOAL.format(7, sentence)}</list><list/><list/><list/></goals></option>')


if __name__ == "__main__":
    main()
