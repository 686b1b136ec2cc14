#!/bin/sh
# usage: align.sh R1.fastq.gz R2.fastq.gz GENOME.fa ALIGNMENT READS
# A first stage whose tools take no time: it reads both mates, and writes a file of the genome's size.
set -eu
{ gzip -dc "$1" | tail -n 1; gzip -dc "$2" | tail -n 1; } > "$5"
cp "$3" "$4"
