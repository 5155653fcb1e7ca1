from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsearch.errors import InputError, UsageError
from proofsearch.models.prompts import TEMPLATES, PromptTemplate, load_template
from proofsearch.types import Goal, State, Theorem

texts = st.text(max_size=40)
theorem = Theorem("a {state} name", "for all {name} and {statement}")


def state(text: str) -> State:
    return State(text, (Goal(text),))


@given(texts, st.sampled_from(sorted(TEMPLATES)))
def test_the_span_is_the_states_own_text_whatever_stands_in_it(text: str, name: str) -> None:
    prompt = TEMPLATES[name].render(state(text), theorem)
    assert prompt.text[prompt.begin : prompt.end] == text


def test_placeholders_in_what_is_put_in_stand_for_themselves() -> None:
    template = PromptTemplate("mine", "{name}|{statement}|{state}|{statement}{")
    prompt = template.render(state("s{name}"), theorem)
    assert prompt.text == f"{theorem.name}|{theorem.statement}|s{{name}}|{theorem.statement}{{"


def test_an_encoder_is_refused_a_template_that_needs_the_theorem() -> None:
    with pytest.raises(UsageError, match="speaks of the theorem"):
        TEMPLATES["deepseek-prover"].render(state("s"))


@given(texts, texts)
def test_an_answer_ends_at_the_first_stop_string(before: str, after: str) -> None:
    template = PromptTemplate("mine", "{state}", stop=("<a>", "<b>"))
    cut = f"{before}<b>".partition("<a>")[0].partition("<b>")[0]
    assert template.answer(f"{before}<b>{after}<a>") == cut.strip()


def test_a_template_without_stop_keeps_the_whole_answer() -> None:
    assert TEMPLATES["bfs-prover"].answer(" rw [h]\n  simp ") == "rw [h]\n  simp"


def test_the_fingerprint_tells_texts_and_stop_strings_apart() -> None:
    variants = [
        PromptTemplate("mine", "{state}"),
        PromptTemplate("mine", "{state} "),
        PromptTemplate("mine", "{state}", stop=(" ",)),
        PromptTemplate("mine", "{state}", stop=("a", "b")),
        PromptTemplate("mine", "{state}", stop=("ab",)),
    ]
    assert len({template.fingerprint() for template in variants}) == len(variants)


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('text = "prove {state}!"\nstop = ["\\n"]\n')
    assert load_template(str(file)) == PromptTemplate("mine", "prove {state}!", ("\n",))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("text = 3", "expected a string"),
        ('text = "no place"', "0 times"),
        ('text = "{state}{state}"', "2 times"),
        ('text = "{state}"\nstop = "x"', "expected a list"),
        ('text = "{state}"\nstop = [""]', "empty string"),
        ('text = "{state}"\nstops = []', "unknown key 'stops'"),
        ("text = ", "not TOML"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(tmp_path: Path, content: str, complaint: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(content)
    with pytest.raises(InputError, match=complaint) as caught:
        load_template(str(file))
    assert str(file) in str(caught.value)


def test_an_unknown_name_says_what_is_known() -> None:
    with pytest.raises(UsageError, match=r"plan.*known: .*plain"):
        load_template("plan")
    with pytest.raises(InputError, match="can't be read"):
        load_template("missing.toml")
