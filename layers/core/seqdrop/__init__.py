"""Seqdrop: drop FASTQ files in a bucket; get variants, their provenance and what they cost."""
