#!/usr/bin/env bash
# Lemmas of one's own, searched and checked: see README.md beside this file.
set -euo pipefail

OUT=${OUT:-runs/doubling}              # where the run goes; must not be there yet
FILE=${FILE:-$(dirname "$0")/Doubling.v}
EXPANSIONS=${EXPANSIONS:-64}           # of each search, at most
PROOFSEARCH=${PROOFSEARCH:-proofsearch}

[ $# -gt 0 ] || set -- double_succ double_plus double_add double_injective

"$PROOFSEARCH" search --env rocq --rocq-file "$FILE" --generator rocq-tactics --max-expansions "$EXPANSIONS" --out "$OUT" "$@"
"$PROOFSEARCH" verify "$OUT"
for proof in "$OUT"/proofs/*.v; do
  printf '\n%s\n' "$proof"
  # What was found is the last proof in the file.
  awk '/^Proof\.$/ { found = "" } { found = found $0 "\n" } END { printf "%s", found }' "$proof"
done
