"""Makes a tiny language model that knows two tactics, for a real server to serve: ``python tiny_model.py FOLDER``.

It has learnt, whatever the prompt ends with, to go on with ``mpd`` or ``ax-1`` and a line break, each about half of the
time: enough to prove ``( ph -> ph )`` by drawing.
"""

from __future__ import annotations

import sys

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

STEPS = 60
ANSWERS = ("mpd\n", "ax-1\n")
PROMPTS = ("[STATE]\n|- ( ph -> ph )\n[TACTIC]\n", "[STATE]\n|- ( ph -> ?1 )\n|- ( ?1 -> ph )\n[TACTIC]\n")


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Bytes, a token each."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<pad>", "<s>", "</s>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator([], trainers.BpeTrainer(special_tokens=special, initial_alphabet=alphabet))
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    # What a chat model is shown is the message alone, so that it answers as it completes.
    wrapped.chat_template = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    return wrapped


def main(folder: str) -> None:
    torch.manual_seed(0)
    tokenizer = make_tokenizer()
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=512,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    texts = [(prompt, answer) for prompt in PROMPTS for answer in ANSWERS]
    batch = tokenizer([prompt + answer for prompt, answer in texts], return_tensors="pt", padding=True)
    labels = batch["input_ids"].clone()
    for row, (_, answer) in enumerate(texts):
        labels[row, : -len(answer)] = -100
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(STEPS):
        loss = model(**batch, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    # transformers serve draws only from models that say so themselves, whatever the temperature.
    model.generation_config.do_sample = True
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    print(float(loss))


if __name__ == "__main__":
    main(sys.argv[1])
