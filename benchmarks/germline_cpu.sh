#!/bin/sh
# The steps of pipelines/germline-cpu.yaml as a plain script: the baseline of thirty_fold.py.
# usage: germline_cpu.sh GENOME.fa R1.fastq.gz R2.fastq.gz READ_GROUP FOLDER THREADS
set -eu
genome=$1 r1=$2 r2=$3 read_group=$4 out=$5 threads=$6

bwa mem -t "$threads" -K 100000000 -Y -R "$read_group" "$genome" "$r1" "$r2" |
    samtools fixmate -u -m - - |
    samtools sort -l 1 -T "$out/sort" -o "$out/pair.bam" -
samtools flagstat -@ "$threads" -O json "$out/pair.bam" > "$out/pair.flagstat.json"
samtools merge -u - "$out/pair.bam" |
    samtools markdup -S -@ "$threads" -T "$out/markdup" - "$out/alignment.bam"
samtools index -@ "$threads" "$out/alignment.bam"
samtools flagstat -@ "$threads" -O json "$out/alignment.bam" > "$out/flagstat.json"

bcftools mpileup -Ou -q 20 -d 50000 -L 50000 -a FORMAT/AD,FORMAT/DP -g 1,5,10,20,30 -f "$genome" \
    "$out/alignment.bam" |
    bcftools call -m -a GQ -g 1,5,10,20,30 -Oz -o "$out/variants.g.vcf.gz"
bcftools view --trim-alt-alleles --min-ac 1 -Ou "$out/variants.g.vcf.gz" |
    bcftools norm -f "$genome" -Ou - |
    bcftools filter -s LowQual -m + -e 'QUAL<20' -Ou - |
    bcftools filter -s LowDepth -m + -e 'SUM(FORMAT/AD)<5' -Ou - |
    bcftools filter -s LowGQ -m + -e 'FORMAT/GQ<20' -Oz -o "$out/variants.vcf.gz" -
bcftools index -t "$out/variants.g.vcf.gz"
bcftools index -t "$out/variants.vcf.gz"
bcftools stats -s - -f PASS "$out/variants.vcf.gz" > "$out/variant_stats.txt"

samtools stats -@ "$threads" "$out/alignment.bam" > "$out/samtools_stats.txt"
mosdepth -t "$threads" --mapq 20 --no-per-base --by 20000 --thresholds 1,10,20,30 \
    "$out/depth" "$out/alignment.bam"
multiqc --quiet --no-version-check --no-ai --no-data-dir --outdir "$out" --filename report.html "$out"
