#!/usr/bin/env bash
# A policy of your own, from the library's proofs to a comparison with k-NN: see README.md beside this file.
set -euo pipefail

OUT=${OUT:-runs/own_model}             # where everything goes; must not be there yet
STEPS=${STEPS:-1000}                   # optimisation steps of the training
THEOREMS=${THEOREMS:-20}               # validation theorems to be searched
EXPANSIONS=${EXPANSIONS:-32}           # of each search, at most
WORKERS=${WORKERS:-1}
PROOFSEARCH=${PROOFSEARCH:-proofsearch}

# Everything behind `run.sh` goes to the training, such as: --lm-base MODEL --lm-lora-rank 16 --lm-precision bf16
"$PROOFSEARCH" train --plugin lm --out "$OUT/model" --lm-steps "$STEPS" "$@"

search() { # NAME GENERATOR OPTION…
  local name=$1 generator=$2
  shift 2
  "$PROOFSEARCH" search --split validation --limit "$THEOREMS" --max-expansions "$EXPANSIONS" --workers "$WORKERS" \
    --generator "$generator" "$@" --out "$OUT/$name"
}
search knn knn
search own transformers --transformers-model "$OUT/model"

"$PROOFSEARCH" verify "$OUT/own"
"$PROOFSEARCH" evaluate "$OUT/knn" "$OUT/own"
