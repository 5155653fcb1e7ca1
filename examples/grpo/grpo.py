"""TRL's GRPO with a tiny policy, rewarded by the checker of Metamath alone.

A tiny Llama over words (a symbol or a theorem's name is a token) first reads the library's proofs of half of some
theorems. Then GRPO lets it write proofs of the other half, whose own it never sees, and an episode of proofsearch-rl
says which of them are proofs. Everything is made here, on the CPU; nothing is downloaded.

    pip install trl
    python examples/grpo/grpo.py --out build/grpo
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from proofsearch_rl.episode import Episode
from proofsearch_rl.limits import EpisodeLimits
from proofsearch_rl.turn import ADVANCED
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed
from trl import GRPOConfig, GRPOTrainer

from proofsearch import open_prover

LONGEST = 3
"""Steps in the library's proof of a theorem that is taken."""

COMMON = 60
"""The theorems that are taken have proofs by the tactics that are commonest in the training split, so many of them."""

WORDS = 60
"""Words in a state, at most."""

BEGIN = "=>"
"""The word between the state and the proof."""


class Proofs:
    """The theorems with short proofs, and the reward of a text.

    A proof is written as words: a theorem's name, or ``hyp_1`` for the tactic ``hyp 1``.
    """

    def __init__(self) -> None:
        limits = EpisodeLimits(max_steps=2 * LONGEST)
        self._prover = open_prover("metamath", min_tier=limits.min_tier)
        self._episode = Episode(self._prover, limits)
        environment = self._prover.environment
        short = [t for t in environment.theorems() if t.proof_length and t.proof_length <= LONGEST]
        self.split = {theorem.name: theorem.split for theorem in short}
        proofs: dict[str, list[str]] = defaultdict(list)
        for step in environment.demonstrations(short):  # type: ignore[attr-defined]
            proofs[step.theorem.name].append(step.tactic.replace(" ", "_"))
        counts = Counter(word for name in proofs if self.split[name] == "train" for word in proofs[name])
        common = {word for word, _ in counts.most_common(COMMON)}
        prompts = {name: f"{self._episode.reset(name).state} {BEGIN}" for name in proofs}
        self.known = {
            name: proof
            for name, proof in proofs.items()
            if common.issuperset(proof) and len(prompts[name].split()) <= WORDS
        }
        self.prompts = {name: prompts[name] for name in self.known}

    def names(self, split: str) -> list[str]:
        """Those of a split, in the library's order."""
        return [name for name in self.known if self.split[name] == split]

    def reward(self, theorem: str, proof: str) -> float:
        """1 where the words are tactics that prove the theorem, as the independent check says; else 0.

        An episode would go on after a tactic that fails. Here it ends: what is wanted are proofs, not attempts.
        """
        turn = self._episode.reset(theorem)
        for word in proof.split():
            turn = self._episode.step(word.replace("hyp_", "hyp "))
            if turn.outcome != ADVANCED:
                break
        return turn.reward

    def __call__(self, completions: Sequence[str], theorem: Sequence[str], **_: Any) -> list[float]:
        """The reward function that TRL calls."""
        return [self.reward(*both) for both in zip(theorem, completions, strict=True)]

    __name__ = "proved"


def make_tokenizer(proofs: Proofs) -> PreTrainedTokenizerFast:
    """A word is a token."""
    words = {word for name, known in proofs.known.items() for word in (*proofs.prompts[name].split(), *known)}
    vocabulary = {word: number for number, word in enumerate(["<pad>", "<eos>", "<unk>", *sorted(words)])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>", padding_side="left"
    )


def make_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A tiny Llama, untrained."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=96,
            intermediate_size=192,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=512,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
        )
    )


def read_proofs(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, proofs: Proofs, names: Sequence[str], epochs: int
) -> None:
    """Teaches the model the library's proofs of some theorems."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    texts = [f"{proofs.prompts[name]} {' '.join(proofs.known[name])} <eos>" for name in names]
    begin = tokenizer.convert_tokens_to_ids(BEGIN)
    for _ in range(epochs):
        for batch in (texts[start : start + 32] for start in range(0, len(texts), 32)):
            encoded = tokenizer(batch, return_tensors="pt", padding=True)
            ids = encoded["input_ids"]
            proof = (ids == begin).cumsum(1).bool() & (ids != begin)  # what stands behind the word between
            loss = model(**encoded, labels=ids.masked_fill(~proof, -100)).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        random.shuffle(texts)


@torch.no_grad()
def measure(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, proofs: Proofs, names: Sequence[str], seed: int
) -> float:
    """The mean reward of four sampled proofs of each theorem."""
    set_seed(seed)
    model.eval()
    found = []
    for start in range(0, len(names), 64):
        batch = names[start : start + 64]
        encoded = tokenizer([proofs.prompts[name] for name in batch], return_tensors="pt", padding=True)
        encoded.pop("token_type_ids", None)
        written = model.generate(**encoded, do_sample=True, max_new_tokens=2 * LONGEST, num_return_sequences=4, top_k=0)
        texts = tokenizer.batch_decode(written[:, encoded["input_ids"].shape[1] :], skip_special_tokens=True)
        found += [proofs.reward(batch[place // 4], text) for place, text in enumerate(texts)]
    return sum(found) / len(found)


def main() -> None:
    """Reads, practises, measures before and after."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/grpo"), help="where the trainer writes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=100, help="of GRPO")
    parser.add_argument("--read", type=int, default=30, help="times that the library's proofs are read before")
    arguments = parser.parse_args()
    set_seed(arguments.seed)
    proofs = Proofs()
    train = proofs.names("train")
    random.Random(arguments.seed).shuffle(train)
    practised, read = train[::2], train[1::2]
    held_out = proofs.names("validation")
    tokenizer = make_tokenizer(proofs)
    model = make_model(tokenizer)
    began = time.monotonic()
    read_proofs(model, tokenizer, proofs, read, arguments.read)
    reading = time.monotonic() - began

    def rewards() -> dict[str, float]:
        groups = {"practised": practised, "validation": held_out}
        return {what: round(measure(model, tokenizer, proofs, names, 1), 4) for what, names in groups.items()}

    before = rewards()
    print("before", json.dumps(before), flush=True)
    rows = [{"prompt": proofs.prompts[name], "theorem": name} for name in practised]
    trainer = GRPOTrainer(
        model=model,
        processing_class=tokenizer,
        reward_funcs=proofs,  # type: ignore[arg-type]
        train_dataset=Dataset.from_list(rows),
        args=GRPOConfig(
            output_dir=str(arguments.out),
            max_steps=arguments.steps,
            per_device_train_batch_size=64,
            num_generations=8,
            max_completion_length=2 * LONGEST,
            learning_rate=1e-3,
            lr_scheduler_type="constant",
            beta=0.0,
            temperature=1.0,
            seed=arguments.seed,
            use_cpu=True,
            bf16=False,
            report_to=[],
            save_strategy="no",
            logging_steps=10,
            disable_tqdm=True,
        ),
    )
    began = time.monotonic()
    trainer.train()
    after = rewards()
    summary = {
        "seed": arguments.seed,
        "parameters": model.num_parameters(),
        "theorems": {"read": len(read), "practised": len(practised), "validation": len(held_out)},
        "steps": arguments.steps,
        "seconds": {"reading": round(reading), "practising": round(time.monotonic() - began)},
        "mean reward": {"before": before, "after": after},
    }
    print(json.dumps(summary, indent=2))
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")


if __name__ == "__main__":
    main()
