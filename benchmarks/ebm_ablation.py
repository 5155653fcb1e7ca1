"""The ablation plan of the energy-based model: one setting changed at a time, over seeds, on recorded guided runs.

    python benchmarks/ebm_ablation.py --train RUN [RUN ...] --validation RUN --out results.jsonl [--settings NAME ...]

The runs are such as benchmarks/ebm.py records (guided-train, guided-validation). Each setting is trained with every
seed on the first and measured on the second, whose theorems never train. The head that is judged is the best of the
training by validation rank, so all figures are a little too good, alike for every setting. Settings with the encoder
`policy` need to be told the policy of the runs: --base policy.generator=metamath-ranker metamath-ranker.path=DIR, each
with its own --base. Prints means over seeds ± their standard deviation:

* value: rank-1 among siblings of minus the energy; mixed: of the fit with log-probability and goals, cross-fitted over
  folds of theorems; gain: mixed less the better of log-probability and log-probability with fitted goals (in brackets
  the lowest end of the seeds' 95% intervals); the same gain on frontier sets;
* AUROC within theorem, Spearman with remaining steps of minus the energy, and of minus the second output (cost), with
  that one's gain in a mixture. Positive are the states that lead on.

`shuffled labels` shuffles what is positive among the members of each decision and the states of each theorem, of
validation too, and judges the last head: it must equal random. Results are appended to --out; what is there already is
not trained again, so a stopped run goes on. Delete the file when runs or code change: it knows options only.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bench_runs import Options, merged, parse_options, print_table
from ebm_heads import HeldData, read_data, reading
from proofsearch_ebm.config import EbmTrainerConfig
from proofsearch_ebm.losses.weighted import parse_terms

BASELINES = "baselines"
SHUFFLED = "shuffled labels"
DEPTH = "depth_regression:0.3"


def _settings() -> Iterator[tuple[str, Options]]:
    """Names and the options that they change."""

    def of(**fields: object) -> Options:
        return {"ebm": fields}

    yield "base", {}
    yield "encoder hashed", of(encoder="hashed")
    yield "encoder context", merged(of(encoder="context"), {"context": {"hashed": 0}})
    yield "encoder context+hashed", merged(of(encoder="context"), {"context": {"hashed": 256}})
    yield "encoder policy", of(encoder="policy")
    yield "encoder context+policy", of(encoder="context", append=["policy"])
    for name, values in {
        "parts": ("state", "goals"),
        "context": ("none", "theorem"),
        "inputs": ("zscore", "l2", "raw"),
        "policy_weight": (0.0, 0.5, 1.0),
        "groups": ("tiers", "siblings", "frontier"),
    }.items():
        for value in values:
            yield f"{name} {value}", of(**{name: value})
    yield "groups frontier, max_gap 3", of(groups="frontier", max_gap=3.0)
    for most in (1, 3, 8):
        yield f"siblings, dead_ends {most}", of(groups="siblings", dead_ends=most)
    for loss in ("info_nce", "listwise", "margin_ranking", "pairwise"):
        yield f"loss {loss}", of(loss=[f"{loss}:1", DEPTH])
    yield "loss listwise, siblings", of(loss=["listwise:1", DEPTH], groups="siblings")
    yield "loss listwise, frontier", of(loss=["listwise:1", DEPTH], groups="frontier")
    yield "loss without depth", of(loss=["info_nce:1"])
    yield "listwise without depth", of(loss=["listwise:1"])
    ordinal = of(loss=["listwise:1", "ordinal_regression:0.3"], buckets=True)
    yield "ordinal", ordinal
    yield "ordinal, weight 1", merged(ordinal, of(loss=["listwise:1", "ordinal_regression:1"]))
    for most in (4, 8):
        yield f"solved {most}", of(solved=most)
        yield f"ordinal, solved {most}", merged(ordinal, of(solved=most))
    yield "nats", {"depth_regression": {"measure": "nats"}}
    yield "nats, solved 4", merged(of(solved=4), {"depth_regression": {"measure": "nats"}})
    yield "ordinal nats, solved 4", merged(ordinal, of(solved=4), {"ordinal_regression": {"measure": "nats"}})
    for most in (2, 4, 8):
        yield f"mistakes {most}", of(mistakes=most)
    for norm in (True, False):
        for scale in (True, False):
            yield f"spectral_norm {norm}, scale {scale}", of(spectral_norm=norm, learnable_scale=scale)
    yield "layer_norm", of(spectral_norm=False, layer_norm=True)
    yield SHUFFLED, of(patience=0)


SETTINGS = dict(_settings())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, nargs="+", required=True)
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="a file of results, one a line; appended to")
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS), choices=list(SETTINGS), metavar="NAME")
    parser.add_argument("--base", action="append", default=[], metavar="COMPONENT.FIELD=VALUE", help="of all settings")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    # The validation run's theorems are of that split and validate anyway; no others shall.
    always = {"ebm": {"steps": arguments.steps, "validation_share": 1e-9}}
    base = merged(parse_options(arguments.base), always)
    done = _read(arguments.out)
    jobs = {name: merged(base, SETTINGS[name]) for name in arguments.settings}
    data: HeldData | None = None
    # Those that read the states alike one after the other, so that each dataset is made once and only one is held.
    for name in sorted(jobs, key=lambda name: (reading(jobs[name]), list(SETTINGS).index(name))):
        for seed in range(arguments.seeds):
            key = _key(name, jobs[name], seed)
            if key in done:
                continue
            if data is None or data.reading != reading(jobs[name]):
                data = None
                data = read_data(arguments.train, arguments.validation, jobs[name])
            if BASELINES not in done:
                done[BASELINES] = data.baselines()
                _append(arguments.out, {"key": BASELINES} | done[BASELINES])
            done[key] = data.train(jobs[name], seed, shuffled=name == SHUFFLED)
            _append(arguments.out, {"key": key} | done[key])
            print(f"  … {name}, seed {seed}: value {done[key]['value']:.3f}, gain {done[key]['gain']:+.3f}", flush=True)
    print("\n### Without a model, on the same decisions")
    print_table(
        ("score", "rank-1", "AUROC", "Spearman"),
        ([name, *(f"{one:.3f}" for one in found)] for name, found in done[BASELINES].items()),
    )
    seeds = range(arguments.seeds)
    rows = [_row(name, [done[_key(name, jobs[name], seed)] for seed in seeds]) for name in arguments.settings]
    print(f"### {arguments.seeds} seeds, {arguments.steps} steps, base: {' '.join(arguments.base) or 'the defaults'}")
    header = ("value", "mixed", "gain", "gain, frontier", "AUROC", "Spearman")
    of_cost = ("AUROC of cost", "Spearman of cost", "gain of cost")
    print_table(("setting", *header, *of_cost), rows)


def _key(name: str, options: Options, seed: int) -> str:
    """Equal for equal trainings, whatever their names."""
    config = EbmTrainerConfig.model_validate(options.get("ebm", {})).model_dump(mode="json")
    if not config["append"]:
        del config["append"]  # as it was before there were any
    names = {config["encoder"], *config.get("append", ())}
    if "policy" in names:
        names |= options.keys()  # the policy's own
    names |= {term.name for term in parse_terms(config["loss"])}
    others = {component: given for component, given in options.items() if component in names - {"ebm"}}
    return json.dumps([config, others, seed, name == SHUFFLED], sort_keys=True)


def _append(file: Path, row: Mapping[str, Any]) -> None:
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row) + "\n")


def _read(file: Path) -> dict[str, dict[str, Any]]:
    if not file.exists():
        return {}
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return {row.pop("key"): row for row in rows}


def _row(name: str, results: Sequence[Mapping[str, Any]]) -> list[str]:
    def cell(metric: str, sign: str = "") -> str:
        values = np.array([result[metric] for result in results], np.float64)
        return f"{values.mean():{sign}.3f} ± {values.std(ddof=1) if len(values) > 1 else 0.0:.3f}"

    gains = [
        f"{cell(name, '+')} ({min(result[f'{name}_low'] for result in results):+.3f})" for name in ("gain", "frontier")
    ]
    rest = ("auroc", "spearman", "cost_auroc", "cost")
    return [name, cell("value"), cell("mixed"), *gains, *map(cell, rest), cell("cost_gain", "+")]


if __name__ == "__main__":
    main()
