"""Where sentences end."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from proofsearch_rocq.config import RocqConfig
from proofsearch_rocq.installation import find_installation
from proofsearch_rocq.sentences import split_sentences, without_comments


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        ("  (* nothing *)\n", []),
        ("intros. auto.", ["intros.", "auto."]),
        ("intros.auto.", ["intros.auto."]),
        ("apply Nat.add_comm.\nauto", ["apply Nat.add_comm.", "auto"]),
        ("(* a. (* b. *) c. *) intros (* d. *) x. (* e *)", ["intros (* d. *) x."]),
        ('idtac "a. b"; idtac "c "" d. e". auto.', ['idtac "a. b"; idtac "c "" d. e".', "auto."]),
        ('(* " *) " *) auto. split.', ["auto.", "split."]),
        ('idtac "(*". auto. (* *)', ['idtac "(*".', "auto."]),
        (
            "- auto. -- split. * left. ** x. + y. }",
            ["-", "auto.", "--", "split.", "*", "left.", "**", "x.", "+", "y.", "}"],
        ),
        ("split. { auto. } 2: { auto. }", ["split.", "{", "auto.", "}", "2: {", "auto.", "}"]),
        ("2:{ x. } [a']:{ y. }", ["2:{", "x.", "}", "[a']:{", "y.", "}"]),
        ("-auto.", ["-", "auto."]),
        ("auto... split.", ["auto...", "split."]),
        ('Notation "{ x ; .. ; y }" := (cons x .. (cons y nil) ..). Check 1.', None),
        ("exists (x .. y). auto.", ["exists (x .. y).", "auto."]),
        ("auto. (* no end. split.", ["auto."]),
        ('auto. idtac "no end. split.', ["auto.", 'idtac "no end. split.']),
        ("#[local] Lemma x : True. Proof.", ["#[local] Lemma x : True.", "Proof."]),
        ("rewrite <- H. ∀.\r\nauto.", ["rewrite <- H.", "∀.", "auto."]),
        ("f (*)*) x. y.", ["f (*)*) x.", "y."]),
    ],
)
def test_sentences(text: str, sentences: list[str] | None) -> None:
    found = split_sentences(text)
    for sentence in found:
        assert text[sentence.start : sentence.end].startswith(sentence.text)
    if sentences is None:
        assert len(found) == 2
    else:
        assert [sentence.text for sentence in found] == sentences


@pytest.mark.parametrize(
    ("sentence", "without"),
    [
        ("auto.", "auto."),
        ("auto (* a (* . *) *) with (* b *) c.", "auto with c."),
        ('idtac "(* kept *)" (* " *) " *).', 'idtac "(* kept *)" .'),
        ("a(* b *)c.", "a c."),
    ],
)
def test_without_comments(sentence: str, without: str) -> None:
    assert without_comments(sentence) == without


@pytest.mark.parametrize("name", ["Init/Logic.v", "Bool/Bool.v", "Lists/List.v", "Structures/OrdersEx.v"])
def test_the_prover_reads_the_same_sentences(name: str, server: tuple[str, ...], tmp_path: Path) -> None:
    installation = find_installation(RocqConfig())
    if installation.library is None:
        pytest.skip("the sources of the standard library aren't installed; apt-get install coq")
    path = installation.library / name
    more = ("-noinit",) if name.startswith("Init/") else ()
    words = [
        *installation.toplevel,
        "-q",
        "-batch",
        "-time",
        "-w",
        "none",
        *more,
        "-topfile",
        str(path),
        "-l",
        str(path),
    ]
    said = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    executed = [(int(begin), int(end)) for begin, end in re.findall(r"^Chars (\d+) - (\d+) \[", said, re.M)]
    text = path.read_text()
    assert executed == [
        (len(text[: one.start].encode()), len(text[: one.end].encode())) for one in split_sentences(text)
    ]


def test_deep_comments() -> None:
    deep = "(*" * 20_000 + "*)" * 20_000
    assert [one.text for one in split_sentences(f"{deep} auto. {deep} split.")] == ["auto.", "split."]
