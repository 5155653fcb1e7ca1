#!/bin/sh
# Learns from the proofs of theorems/Known.lean and proves what is open in theorems/Open.lean.
# LEAN in the environment says how lean is started; default: the one on the path, or elan's.
set -eu
here=$(dirname "$0")
out=${OUT:-runs/lean_k_nn}
set -- "$@" --env lean --lean-file "$here/theorems"
if [ -n "${LEAN:-}" ]; then set -- "$@" --lean-command "$LEAN"; fi
proofsearch theorems --split test "$@"
proofsearch search --generator knn --max-expansions 64 --out "$out" "$@"
proofsearch verify "$out"
