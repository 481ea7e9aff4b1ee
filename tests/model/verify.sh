#!/usr/bin/env bash
# Verifies a Promela model exhaustively with spin.
#   verify.sh MODEL.pml holds [-DNAME...]          no error, and no statement that was never reached
#   verify.sh MODEL.pml fails 'WHY' [-DNAME...]    an error is found, and it is WHY
# 77: spin or gcc is missing.
set -euo pipefail

model=$(realpath "$1")
expectation=$2
shift 2
why=
if [ "$expectation" = fails ]; then
  why=$1
  shift
fi

for tool in spin gcc; do
  if ! command -v "$tool" >/dev/null; then
    echo "SKIP: $tool is missing (Debian package '$tool')"
    exit 77
  fi
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
spin "$@" -a "$model"
# COLLAPSE stores states exactly, only smaller. spin's code is not ours to warn about.
gcc -w -O1 -DSAFETY -DCOLLAPSE -DMEMLIM=1024 -o pan pan.c
./pan -m100000 | tee output

if ! grep -q '^Full statespace search' output; then
  echo "FAILED: spin did not search the whole state space"
  exit 1
fi
if [ "$expectation" = fails ]; then
  if ! grep -q "^pan:1: $why" output; then
    echo "FAILED: the broken variant ($*) was to fail with: $why"
    exit 1
  fi
  echo "as it must, the broken variant ($*) fails with: $why"
  exit 0
fi
if ! grep -q 'errors: 0$' output || grep -Eq 'max search depth too small|out of memory|not completed' output; then
  echo "FAILED: the model does not hold, or was not searched to the end"
  exit 1
fi
# The endless store buffers never end; anything else unreached would be a part that nothing was proved about.
if grep -E '\.pml:[0-9]+, state' output | grep -v '"-end-"'; then
  echo "FAILED: the statements above were never reached"
  exit 1
fi
