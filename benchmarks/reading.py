"""What a person hands in, read whole: a large manifest, and a genome's sequences."""

import csv
import hashlib
import io
import json
import random
import time
from collections.abc import Callable, Iterator

from benchmarks.measure import Measure
from seqdrop.domain.contigs import read_contigs
from seqdrop.domain.manifest import check_named_once, expected_files, parse_manifest

AIM_MANIFEST, AIM_CONTIGS, ROUNDS = 25.0, 3.0, 3
_PAIRS, _LETTERS = 48_000, 6_000_000


def measure() -> Iterator[Measure]:
    """Processor time of 8 MB of manifest in both forms, and of a sequence's checksums."""
    sheet, document = _manifests()
    yield _of_a_manifest("samplesheet.csv", sheet, lambda: list(csv.reader(io.StringIO(sheet))))
    yield _of_a_manifest("x.manifest.json", document, lambda: json.loads(document))
    fasta = _fasta()
    letters = fasta.upper().replace(b"\n", b"")

    def digest() -> None:
        hashlib.md5(letters, usedforsecurity=False).digest()
        hashlib.sha512(letters).digest()

    yield _against(
        "contigs of a FASTA of 6 Mbp", lambda: read_contigs([fasta]), digest,
        "MD5 and SHA-512 of its letters alone", AIM_CONTIGS,
    )  # fmt: skip


def _of_a_manifest(key: str, text: str, plain: Callable[[], object]) -> Measure:
    def read() -> None:
        entries = parse_manifest(text.encode(), key).samples
        files = [file for entry in entries for file in expected_files(entry, "wgs", "up", key)]
        check_named_once(file.key for file in files)
        if (len(entries), len(files)) != (_PAIRS // 4, _PAIRS * 2):
            raise RuntimeError(f"{key}: {len(entries)} samples, {len(files)} files")

    what = f"{key} of {len(text) / 1e6:.0f} MB, {_PAIRS * 2:,} files expected"
    return _against(what, read, plain, "its rows or values read by Python alone", AIM_MANIFEST)


def _against(
    name: str, work: Callable[[], object], plain: Callable[[], object], against: str, aim: float
) -> Measure:
    rounds = [(_seconds(plain), _seconds(work)) for _ in range(ROUNDS)]
    baseline, figure = (min(seconds) for seconds in zip(*rounds, strict=True))
    against = f"{against}, processor time, best of {ROUNDS}"
    return Measure(name, figure * 1e3, "ms", baseline * 1e3, against, aim)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _manifests() -> tuple[str, str]:
    """The same pairs, four to a sample, as a sample sheet and as JSON."""
    columns = ("sample", "r1", "r2", "r1_md5")
    rows = [
        (f"S{n // 4:05}", f"run/{n:06}_R1.fastq.gz", f"run/{n:06}_R2.fastq.gz", "0" * 32)
        for n in range(_PAIRS)
    ]
    sheet = "\n".join([",".join(columns), *(",".join([*row, " " * 60]) for row in rows)])
    by_sample: dict[str, list[dict[str, str]]] = {}
    for sample, *row in rows:
        by_sample.setdefault(sample, []).append(dict(zip(columns[1:], row, strict=True)))
    samples = [{"sample": name, "files": pairs} for name, pairs in by_sample.items()]
    return sheet, json.dumps({"samples": samples}, indent=1)


def _fasta() -> bytes:
    text = bytes(random.Random(3).choices(b"ACGTacgt", k=_LETTERS))
    return b">chr1\n" + b"".join(text[at : at + 60] + b"\n" for at in range(0, len(text), 60))
