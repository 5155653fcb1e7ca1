"""The text of a found proof: written, read again, refused when damaged, put into a database."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.errors import MetamathError
from proofsearch_metamath.proofs.statement import ProofText, read_proof_text, splice, write_proof_text

SYMBOLS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="$"), min_size=1, max_size=6)
LABELS = st.from_regex(r"[A-Za-z0-9._-]{1,12}", fullmatch=True)
TEXTS = st.builds(
    ProofText,
    label=LABELS,
    expression=st.lists(SYMBOLS, min_size=1, max_size=12).map(tuple),
    proof=st.one_of(
        st.lists(LABELS, min_size=1, max_size=60).map(tuple),
        st.builds(
            lambda labels, letters: ("(", *labels, ")", letters),
            st.lists(LABELS, max_size=40),
            st.text("ABCDUVZ", min_size=1, max_size=70),
        ),
    ),
    disjoint=st.lists(st.tuples(SYMBOLS, SYMBOLS), max_size=5).map(tuple),
)


def letters_joined(text: ProofText) -> ProofText:
    """The letters of a compressed proof may be broken into lines anywhere; they are one word."""
    proof = text.proof
    if proof[:1] == ("(",):
        end = proof.index(")")
        proof = (*proof[: end + 1], "".join(proof[end + 1 :]))
    return ProofText(text.label, text.expression, proof, tuple(sorted(map(tuple, map(sorted, text.disjoint)))))


@given(TEXTS)
@settings(max_examples=50)
def test_what_is_written_is_read(text: ProofText) -> None:
    written = write_proof_text(text)
    assert letters_joined(read_proof_text(written)) == letters_joined(text)


@given(TEXTS, st.data())
@settings(max_examples=50)
def test_a_truncated_text_is_refused(text: ProofText, data: st.DataObject) -> None:
    """At every character: a part must never be taken for the whole."""
    whole = write_proof_text(text).rstrip()
    part = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(MetamathError):
        read_proof_text(part)


GOOD = "${\n  $d x y $.\n  th $p |- ph $=\n    wph id $.\n$}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected one statement"),
        ("th", "expected one statement"),
        (GOOD.replace("$}", ""), "does not close|doesn't close"),
        (GOOD.replace("${", ""), "more or less than one"),
        (GOOD.replace("$d x y $.\n", "$d x y\n"), "expected one statement"),
        (GOOD.replace("$p", "$a"), "expected one statement"),
        (GOOD.replace("$=", ""), r"no '\$='; is the file truncated"),
        (GOOD.replace("id $.", "id"), "no|expected one statement"),
        (GOOD + GOOD, "expected one statement"),
        (GOOD.replace("$}", "th2 $p |- ps $= wps id $. $}"), "more or less than one"),
        (GOOD.replace("th $p", "h $e |- ps $. th $p"), "expected one statement"),
        ("th $p $= wph id $.", "more or less than one"),
        ("th $p |- ph $. $= wph id", "more or less than one"),
        ("$( th $p |- ph $= wph id $. $)", "expected one statement"),
        ("th $p |- ph $= wph id $. $( more", "more or less than one"),
    ],
)
def test_other_texts_are_refused(text: str, message: str) -> None:
    with pytest.raises(MetamathError, match=message):
        read_proof_text(text)


def test_comments_are_white_space() -> None:
    assert read_proof_text("$( x $) th $p |- $( $= $) ph $= $( $. $)\n\twph id $.") == ProofText(
        "th", ("|-", "ph"), ("wph", "id")
    )


def test_every_pair_of_a_condition_counts() -> None:
    text = read_proof_text("${ $d x y z $. $d u v $. th $p |- ph $= wph id $. $}")
    assert {frozenset(pair) for pair in text.disjoint} == {frozenset(pair) for pair in ("xy", "xz", "yz", "uv")}


def test_splicing_leaves_the_rest_as_it_is(prefix: MetamathEnvironment) -> None:
    text = prefix.path.read_text(encoding="ascii")
    frame = prefix.library.frames["syl"]
    spliced = splice(text, frame, "XYZ\n")
    assert spliced.count("XYZ") == 1
    assert spliced.replace("XYZ", text[frame.start : frame.end]) == text
    assert text[frame.start : frame.end].startswith("syl $p |- ( ph -> ch ) $=")
