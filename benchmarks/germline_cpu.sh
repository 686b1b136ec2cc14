#!/bin/sh
# The steps of pipelines/germline-cpu.yaml as a plain script: the baseline of thirty_fold.py.
# usage: germline_cpu.sh GENOME.fa R1.fastq.gz R2.fastq.gz READ_GROUP FOLDER THREADS
set -eu
genome=$1 r1=$2 r2=$3 read_group=$4 out=$5 threads=$6

bwa mem -t "$threads" -K 100000000 -Y -R "$read_group" "$genome" "$r1" "$r2" |
    samtools fixmate -u -m - - |
    samtools sort -u -T "$out/sort" -o "$out/pair.bam" -
samtools merge -u - "$out/pair.bam" |
    samtools markdup -@ "$threads" -T "$out/markdup" - "$out/alignment.bam"
samtools index -@ "$threads" "$out/alignment.bam"
samtools flagstat -@ "$threads" -O json "$out/alignment.bam" > "$out/flagstat.json"

bcftools mpileup -Ou -a FORMAT/AD,FORMAT/DP -g 1 -f "$genome" "$out/alignment.bam" |
    bcftools call -m -g 1 -Oz -o "$out/variants.g.vcf.gz"
bcftools view --trim-alt-alleles --min-ac 1 -Oz -o "$out/variants.vcf.gz" "$out/variants.g.vcf.gz"
bcftools index -t "$out/variants.g.vcf.gz"
bcftools index -t "$out/variants.vcf.gz"
