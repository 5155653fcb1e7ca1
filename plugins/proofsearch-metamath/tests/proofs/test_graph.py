"""Proof graphs and how they are written, against the verifier and the reference program."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proofsearch_metamath.database.model import Database
from proofsearch_metamath.database.reader import read_database
from proofsearch_metamath.errors import MetamathError
from proofsearch_metamath.proofs.compressed import TAG, decode
from proofsearch_metamath.proofs.graph import ProofNode, encode_compressed, format_proof, proof_graph
from proofsearch_metamath.proofs.verifier import Verifier, verify_assertion


def normal_to_tokens(root: ProofNode) -> tuple[str, ...]:
    """A normal proof: every label in the order in which it is pushed or applied.

    Shared nodes are written out each time, so it can be exponentially longer than the compressed proof.
    """
    tokens: list[str] = []
    stack = [root]
    while stack:  # the reverse: a node, then its children from the last to the first
        node = stack.pop()
        tokens.append(node.label)
        stack.extend(node.children)
    return tuple(reversed(tokens))


LOGIC = """$c wff |- ( ) -> -. F. $.
$v ph ps ch $.
wph $f wff ph $. wps $f wff ps $. wch $f wff ch $.
wi $a wff ( ph -> ps ) $.
wn $a wff -. ph $.
wfal $a wff F. $.
${ min $e |- ph $. maj $e |- ( ph -> ps ) $. ax-mp $a |- ps $. $}
ax-1 $a |- ( ph -> ( ps -> ph ) ) $.
ax-2 $a |- ( ( ph -> ( ps -> ch ) ) -> ( ( ph -> ps ) -> ( ph -> ch ) ) ) $.
"""
PH = ProofNode("wph")

reference = shutil.which("metamath")


def read(folder: Path, text: str) -> Database:
    path = folder / "it.mm"
    path.write_text(text)
    return read_database(path)


def reference_accepts(path: Path) -> bool:
    """Whether the reference program reads and verifies a database."""
    assert reference is not None
    command = [reference, f'read "{path.name}"', "verify proof *", "exit"]
    run = subprocess.run(command, cwd=path.parent, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    output = run.stdout.decode("latin-1")
    return "No errors were found" in output and not re.search(r"^\?.*(Error|BUG)", output, re.MULTILINE)


def implies(one: ProofNode, other: ProofNode) -> ProofNode:
    return ProofNode("wi", (one, other))


def identity(dummy: ProofNode) -> ProofNode:
    """A proof of |- ( ph -> ph ), through a formula that does not occur in it."""
    step = implies(dummy, PH)
    two = ProofNode("ax-2", (PH, step, PH))
    left = ProofNode("ax-1", (PH, dummy))
    middle = implies(PH, implies(step, PH))
    first = ProofNode(
        "ax-mp", (middle, implies(implies(PH, step), implies(PH, PH)), ProofNode("ax-1", (PH, step)), two)
    )
    return ProofNode("ax-mp", (implies(PH, step), implies(PH, PH), left, first))


def test_equal_subproofs_are_written_once() -> None:
    """Equal as trees, although other objects; single steps are no longer than a reference and get no tag."""
    root = implies(implies(PH, ProofNode("wfal")), implies(PH, ProofNode("wfal")))
    assert encode_compressed(["wph"], root) == ("(", "wi", "wfal", ")", "ACBZDB")
    assert normal_to_tokens(root) == ("wph", "wfal", "wi", "wph", "wfal", "wi", "wi")


def test_frequent_labels_come_first() -> None:
    """They get the short numbers: with twenty of one letter, this is what keeps proofs short."""
    root = implies(PH, ProofNode("wps"))
    for _ in range(3):
        root = ProofNode("wn", (root,))
    assert encode_compressed(["wph"], root) == ("(", "wn", "wps", "wi", ")", "ACDBBB")


def test_hypothesis_alone() -> None:
    assert encode_compressed(["wph", "h"], ProofNode("h")) == ("(", ")", "B")


def test_numbers_agree_with_the_book() -> None:
    """Appendix B gives these as examples."""
    mandatory = [f"h{number}" for number in range(700)]
    for number, letters in (1, "A"), (20, "T"), (21, "UA"), (120, "YT"), (121, "UUA"), (620, "YYT"), (621, "UUUA"):
        assert encode_compressed(mandatory, ProofNode(f"h{number - 1}"))[-1] == letters
        assert decode(letters) == [number - 1]


def test_numbers_survive() -> None:
    mandatory = [f"h{number}" for number in range(4000)]
    for number in range(0, 4000, 13):
        assert decode(encode_compressed(mandatory, ProofNode(f"h{number}"))[-1] + "Z") == [number, TAG]


@pytest.mark.parametrize("dummy", [PH, ProofNode("wps"), ProofNode("wfal"), ProofNode("wn", (ProofNode("wps"),))])
def test_exported_proofs_are_accepted(dummy: ProofNode, tmp_path: Path) -> None:
    """By our verifier and by the reference program, in both formats, pasted as they are."""
    root = identity(dummy)
    compressed, normal = encode_compressed(["wph"], root), normal_to_tokens(root)
    text = LOGIC
    for label, tokens in ("c", compressed), ("n", normal):
        text += f"{label} $p |- ( ph -> ph ) $=\n{format_proof(tokens, width=30)} $.\n"
    database = read(tmp_path, text)
    audits = [verify_assertion(database, database.assertions[label]) for label in ("c", "n")]
    assert audits[0].cited == audits[1].cited >= {"wi", "ax-1", "ax-2", "ax-mp"}
    assert audits[0].steps < audits[1].steps
    if reference is not None:
        assert reference_accepts(database.files[0])


def test_deep_and_doubling_proofs(tmp_path: Path) -> None:
    """Fifty thousand steps deep, and of 2^200 steps as a tree: neither may recurse or unfold."""
    deep = PH
    for _ in range(50_000):
        deep = ProofNode("wn", (deep,))
    database = read(tmp_path, LOGIC + "t $p wff ph $= wph $.\n")
    tokens = encode_compressed(["wph"], deep)
    assert tokens == ("(", "wn", ")", "A" + "B" * 50_000)
    assert normal_to_tokens(deep) == ("wph", *["wn"] * 50_000)
    again = proof_graph(database, database.assertions["t"], tokens)
    assert encode_compressed(["wph"], again) == tokens
    doubling = PH
    for _ in range(200):
        doubling = implies(doubling, doubling)
    tokens = encode_compressed(["wph"], doubling)
    assert len(decode(tokens[-1])) == 2 + 3 * 199 + 1
    assert encode_compressed(["wph"], proof_graph(database, database.assertions["t"], tokens)) == tokens


def nodes() -> st.SearchStrategy[ProofNode]:
    leaves = st.sampled_from(["wph", "wps", "wch", "wfal"]).map(ProofNode)
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(lambda a, b: ProofNode("wi", (a, b)), inner, inner),
            st.builds(lambda a: ProofNode("wn", (a,)), inner),
            st.builds(lambda a: ProofNode("wi", (a, a)), inner),
        ),
        max_leaves=20,
    )


def formula(node: ProofNode) -> str:
    if node.label == "wi":
        return f"( {formula(node.children[0])} -> {formula(node.children[1])} )"
    if node.label == "wn":
        return f"-. {formula(node.children[0])}"
    return {"wph": "ph", "wps": "ps", "wch": "ch", "wfal": "F."}[node.label]


@settings(max_examples=150, deadline=None)
@given(nodes(), st.integers(1, 30), st.integers(0, 8))
def test_any_graph_survives(tmp_path_factory: pytest.TempPathFactory, root: ProofNode, room: int, indent: int) -> None:
    """Encoded, wrapped, read and verified, a graph proves what it says; decoded, it is the same tree."""
    statement = formula(root)
    mandatory = [label for label in ("wph", "wps", "wch") if label[1:] in statement.split()]
    tokens = encode_compressed(mandatory, root)
    lines = format_proof(tokens, indent + room, indent)
    database = read(tmp_path_factory.mktemp("graph"), f"{LOGIC}t $p wff {statement} $=\n{lines} $.\n")
    theorem = database.assertions["t"]
    assert theorem.order == tuple(mandatory)
    verify_assertion(database, theorem)
    assert normal_to_tokens(proof_graph(database, theorem)) == normal_to_tokens(root)
    verify_assertion(database, theorem, proof=normal_to_tokens(root))
    for line in lines.splitlines():
        assert line.startswith(" " * indent) and line == line.rstrip()
        assert len(line) <= indent + room or " " not in line.strip()


def test_lines_are_filled() -> None:
    tokens = ("(", "abc", "d", ")", "ABCDEFGHIJKLMNOP")
    assert format_proof(tokens, width=12, indent=2) == "  ( abc d )\n  ABCDEFGHIJ\n  KLMNOP"
    assert format_proof(tokens, width=14, indent=2) == "  ( abc d ) AB\n  CDEFGHIJKLMN\n  OP"
    assert format_proof(("wph", "a-long-label", "x"), width=8, indent=1) == " wph\n a-long-label\n x"
    assert format_proof((), width=8) == ""
    with pytest.raises(ValueError, match="no room"):
        format_proof(tokens, width=6, indent=6)


@pytest.mark.parametrize(
    ("proof", "kind"),
    [
        (("wph", "wi"), "underflow"),
        (("wph", "wph"), "leftover"),
        (("wph", "?"), "unknown-label"),
        (("(", "wi", ")", "A?B"), "incomplete"),
        (("(", "wi", ")", "AAE"), "number"),
        (("(", "wi", "AAB"), "parenthesis"),
        (("(", "nothing", ")", "AAB"), "unknown-label"),
    ],
)
def test_broken_proofs_have_no_graph(proof: tuple[str, ...], kind: str, tmp_path: Path) -> None:
    database = read(tmp_path, LOGIC + "t $p wff ph $= wph $.\n")
    with pytest.raises(MetamathError, match="in the proof of 't'") as caught:
        proof_graph(database, database.assertions["t"], proof)
    assert caught.value.kind == kind


DATABASES = Path(os.environ.get("METAMATH_DATABASES", "/usr/share/metamath/databases"))


@pytest.mark.parametrize("name", ["hol", "ql"])
def test_real_proofs_survive(name: str, tmp_path: Path) -> None:
    """Every proof of a real database, decoded and encoded again, still passes, and is no longer than before."""
    path = DATABASES / f"{name}.mm"
    if not path.is_file():
        pytest.skip(f"no database {path}; apt-get install metamath-databases")
    database = read_database(path)
    verifier = Verifier(database)
    text = path.read_text()
    pieces, done, before, after = [], 0, 0, 0
    for theorem in database.assertions.values():
        if theorem.kind == "p":
            tokens = encode_compressed(theorem.order, proof_graph(database, theorem))
            audit = verifier.verify(theorem, proof=tokens)
            assert audit.cited == verifier.verify(theorem).cited
            before += len("".join(theorem.proof))
            after += len("".join(tokens))
            start = text.index("$=", theorem.start) + 2
            pieces += [text[done:start], "\n", format_proof(tokens), " $."]
            done = theorem.end
    assert after <= before
    if reference is not None:
        (tmp_path / "it.mm").write_text("".join(pieces) + text[done:])
        assert reference_accepts(tmp_path / "it.mm")
