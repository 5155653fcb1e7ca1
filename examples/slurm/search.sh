#!/usr/bin/env bash
# One shard of a search, as a task of a Slurm array: see README.md beside this file.
#SBATCH --job-name=proofsearch
#SBATCH --array=1-16
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=04:00:00
#SBATCH --signal=B:TERM@60
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

PROOFSEARCH=${PROOFSEARCH:-proofsearch}
if [ $# -lt 2 ]; then
  echo "usage: sbatch --array=1-SHARDS search.sh SHARDS FOLDER [OPTIONS of proofsearch search]" >&2
  exit 2
fi
shards=$1 # said again, not taken from the array, which is smaller where only some of its tasks are submitted again
folder=$2
shift 2
number=${SLURM_ARRAY_TASK_ID:?is not set; submit this script with sbatch --array=1-$shards}
part=$folder/part-$number

# The cache belongs on the node's own disk: databases in it must not be on a network file system.
export PROOFSEARCH_CACHE_DIR=${PROOFSEARCH_CACHE_DIR:-${TMPDIR:-/tmp}/proofsearch-$(id -un)}

# exec, so that Slurm's signals reach the search itself: it stops, and what it found is kept.
if [ -e "$part/run.json" ]; then
  exec "$PROOFSEARCH" search --resume "$part" --workers "${SLURM_CPUS_PER_TASK:-0}"
fi
exec "$PROOFSEARCH" search "$@" --shard "$number/$shards" --workers "${SLURM_CPUS_PER_TASK:-0}" --out "$part"
