#!/bin/sh
# usage: script.sh R1.fastq.gz R2.fastq.gz GENOME.fa FOLDER
# Both stages as a plain script: the baseline of side_by_side.py.
set -eu
here=$(dirname "$0")
mkdir -p "$4"
sh "$here/align.sh" "$1" "$2" "$3" "$4/alignment.txt" "$4/reads.txt"
sh "$here/call.sh" "$4/alignment.txt" "$4/variants.txt"
