"""Would catch: a proof cut in a string, a comment read as source, or a token with a wrong place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proofsearch_lean.theorems.scanner import ScanError, tokens


def texts(source: str) -> list[str]:
    return [token.text for token in tokens(source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a -- theorem\nb", ["a", "b"]),
        ("a /- x /- y -/ z -/ b", ["a", "b"]),
        ("a /-! theorem -/ b", ["a", "b"]),
        ("/-- doc -/ a", ["/-- doc -/", "a"]),
        ("/--/ a", ["a"]),
        ('"a -- b" c', ['"a -- b"', "c"]),
        (r'"a \" /- b" c', [r'"a \" /- b"', "c"]),
        ('r"\\" a', ['r"\\"', "a"]),
        ('r#"a"b"# c', ['r#"a"b"#', "c"]),
        ('s!"a {f "}" } b" c', ['s!"a {f "}" } b"', "c"]),
        ("'\"' a", ["'\"'", "a"]),
        (r"'\'' a '\n' '\x41'", [r"'\''", "a", r"'\n'", r"'\x41'"]),
        ("x' x'' f'a", ["x'", "x''", "f'a"]),
        ("f '' s", ["f", "'", "'", "s"]),
        ("«a -- b».c d", ["«a -- b».c", "d"]),
        ("Nat.succ.inj h.1 h.2.1 x.«y z»", ["Nat.succ.inj", "h.1", "h.2.1", "x.«y z»"]),
        ("a:=b=>c<;>d|>e", ["a", ":=", "b", "=>", "c", "<;>", "d", "|>", "e"]),
        ("α₁ h✝", ["α₁", "h", "✝"]),
        ("1.5 x.1", ["1.5", "x.1"]),
    ],
)
def test_tokens(source: str, expected: list[str]) -> None:
    assert texts(source) == expected


@pytest.mark.parametrize(
    ("source", "offset"), [("a /- b", 2), ("/- /- -/", 0), ('a "b', 2), ('r#"a"', 0), ('s!"a {b', 2)]
)
def test_what_has_no_end_is_refused(source: str, offset: int) -> None:
    with pytest.raises(ScanError, match="has no end") as error:
        list(tokens(source))
    assert error.value.offset == offset


def test_places() -> None:
    source = 'ab /- x\ny -/ c "d\ne" f\n  g'
    found = {token.text: (token.column, token.leads) for token in tokens(source)}
    # After a comment of several lines, columns are those of the last of them, and what leads it leads.
    assert found == {"ab": (0, True), "c": (5, True), '"d\ne"': (7, False), "f": (3, False), "g": (2, True)}


PIECES = st.lists(
    st.sampled_from(
        [
            "theorem",
            "x'",
            " ",
            "\n",
            "  ",
            ":=",
            "(",
            ")",
            "⟨",
            "-- c\n",
            "/- /- -/ -/",
            '"--"',
            "'a'",
            "«b c»",
            "∀",
            "1.5",
        ]
    ),
    max_size=30,
)


@given(PIECES)
def test_tokens_are_the_source_without_blanks_and_comments(pieces: list[str]) -> None:
    source = " ".join(pieces)
    read = list(tokens(source))
    place = 0
    for token in read:
        assert source[token.start : token.end] == token.text
        assert token.start >= place
        line = source.rfind("\n", 0, token.start) + 1
        assert token.column == token.start - line
        place = token.end
    kept = [piece for piece in pieces if piece.strip() and not piece.startswith(("--", "/-"))]
    assert "".join(token.text for token in read) == "".join(kept)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(source: str) -> None:
    try:
        read = list(tokens(source))
    except ScanError as error:
        assert 0 <= error.offset < len(source)
        return
    assert all(token.text and source[token.start : token.end] == token.text for token in read)
