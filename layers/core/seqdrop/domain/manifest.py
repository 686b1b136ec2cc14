"""Manifests: what a lab says of its files, which wins over what their names say."""

import hashlib
import json
import posixpath
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import msgspec

from seqdrop.domain.errors import InvalidManifest
from seqdrop.domain.identity import AnalysisId, ObjectName
from seqdrop.domain.naming import sample_id_fault
from seqdrop.domain.pipeline import Priority
from seqdrop.domain.samplesheet import SheetSample, samples_of_sheet

# \Z: "$" would let a line end through, and a library's would break the SAM header.
_Word = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{0,64}\Z")]
_Md5 = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-fA-F]{32})?\Z")]
_Lane = Annotated[str, msgspec.Meta(pattern=r"(?i)^((L|lane)?[ _-]?[0-9]{1,3})?\Z")]
_FileName = Annotated[str, msgspec.Meta(min_length=1)]
_Project = Annotated[str, msgspec.Meta(max_length=64)]
MAX_MANIFEST_BYTES = 8 * 2**20
_MAX_KEY_BYTES = 1_024
"""S3's own limit."""
_MAX_NAMES_BYTES = 120_000
"""The catalog keeps all names of an analysis twice in one item of at most 400 KB."""

_WORD_RULE = "may have letters, digits, '.', '_' and '-', at most 64 of them"
_MD5_RULE = "is an MD5 in hex, 32 digits"
_RULES = {
    "lane": "is a number of at most three digits, as 5, L005 or lane_5",
    "library": _WORD_RULE,
    "r1_md5": _MD5_RULE,
    "r2_md5": _MD5_RULE,
    "project": "may have at most 64 characters",
    "assay": _WORD_RULE,
    "pipeline": _WORD_RULE,
    "reference": _WORD_RULE,
    "reference_version": _WORD_RULE,
    "priority": "is urgent, routine or bulk",
    "sex": "is female or male",
}
"""What the fields below may have, in words, but for those that may have any text or truth."""
_PATIENT_DATA = {"sex"}
"""Fields whose values stand in no message."""
_BYTE = re.compile(r"\(byte (\d+)\)")
"""Where msgspec says that JSON ends to be JSON."""
_PLACE = re.compile(r"\$\.samples\[(?P<sample>\d+)\](\.files\[(?P<pair>\d+)\])?\.(?P<column>\w+)`$")
"""Where msgspec says that a value is."""


class LaneFiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """R1 and R2 of one lane, of single reads R1 alone.

    Checksums are the MD5 of the compressed files, in hex.
    """

    r1: _FileName
    r2: str = ""
    lane: _Lane = ""
    library: _Word = ""
    r1_md5: _Md5 = ""
    r2_md5: _Md5 = ""

    @property
    def named(self) -> tuple[tuple[str, str, str], ...]:
        """Each file that is named: its read, its name, its checksum."""
        both = (("R1", self.r1, self.r1_md5), ("R2", self.r2, self.r2_md5))
        return both if self.r2 else both[:1]


class SampleEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One sample: an assay, or a pipeline and a reference, and its files."""

    sample: str
    files: tuple[LaneFiles, ...]
    project: _Project = ""
    assay: _Word = ""
    pipeline: _Word = ""
    reference: _Word = ""
    reference_version: _Word = ""
    priority: Priority | None = None
    sex: Literal["", "female", "male"] = ""
    control: bool = False
    """A control without template."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All samples that one manifest names."""

    samples: tuple[SampleEntry, ...]


_FILE_COLUMNS = frozenset(LaneFiles.__struct_fields__)
_SAMPLE_COLUMNS = frozenset(SampleEntry.__struct_fields__) - {"files"}


class ExpectedFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a manifest puts one object."""

    bucket: str
    key: str
    sample: str
    assay: str
    read: str
    lane: str = ""
    library: str = ""
    md5: str = ""

    @property
    def object(self) -> ObjectName:
        """The object, in whatever version."""
        return ObjectName(self.bucket, self.key)

    @property
    def analysis(self) -> AnalysisId:
        """The analysis that it belongs to."""
        return AnalysisId(self.sample, self.assay)


def check_size(size: int) -> None:
    """Raises InvalidManifest where a manifest has more bytes than a function can take."""
    if size > MAX_MANIFEST_BYTES:
        raise InvalidManifest(f"the manifest has over {MAX_MANIFEST_BYTES >> 20} MiB", "split it")


def parse_manifest(data: bytes, key: str) -> Manifest:
    """A manifest from JSON, or from a samplesheet CSV where the key ends in ``.csv``.

    Raises InvalidManifest, saying where, if it can't be used.
    """
    check_size(len(data))
    sheet: list[SheetSample] = []
    if key.lower().endswith(".csv"):
        sheet = samples_of_sheet(data, _FILE_COLUMNS, _SAMPLE_COLUMNS)
        manifest = _from_sheet(sheet)
    else:
        manifest = _from_json(data)
    if not manifest.samples:
        raise InvalidManifest("the manifest names no sample")
    for number, entry in enumerate(manifest.samples):
        if fault := _fault_of(entry):
            line = f"line {sheet[number].pair_lines[0]} of the samplesheet: " if sheet else ""
            raise InvalidManifest(line + fault)
    _check_files_once(manifest, sheet)
    check_named_once(
        f"{entry.sample} ({entry.assay or entry.pipeline or 'default assay'})"
        for entry in manifest.samples
    )
    _check_one_person(manifest.samples)
    return manifest


def _check_files_once(manifest: Manifest, sheet: list[SheetSample]) -> None:
    pairs = [pair for entry in manifest.samples for pair in entry.files]
    names = [_plain_name(name) for pair in pairs for _, name, _ in pair.named]
    lines = [line for one in sheet for line in one.pair_lines]
    of_names = [line for pair, line in zip(pairs, lines, strict=False) for _ in pair.named]
    check_named_once(names, of_names)


def _plain_name(name: str) -> str:
    """``a`` for ``./a``; in an s3:// URI each character counts."""
    return name if name.startswith("s3://") else posixpath.normpath(name)


def check_named_once(names: Iterable[str], lines: Sequence[int] = ()) -> None:
    """Raises InvalidManifest where a file, or a sample under one assay, is named twice.

    ``lines`` are those of a samplesheet that name them.
    """
    named = list(names)
    if len(set(named)) == len(named):
        return
    twice = min(name for name, count in Counter(named).items() if count > 1)
    said = f"the manifest names {twice!r} more than once"
    if lines:
        found = sorted({line for name, line in zip(named, lines, strict=True) if name == twice})
        said += f" (line{'s' * (len(found) > 1)} {', '.join(map(str, found))})"
    raise InvalidManifest(said)


def _check_one_person(entries: Iterable[SampleEntry]) -> None:
    """A sample under two assays is of one person: the sexes themselves stand in no message."""
    given: dict[str, str] = {}
    for entry in entries:
        if entry.sex and given.setdefault(entry.sample, entry.sex) != entry.sex:
            raise InvalidManifest(f"sample {entry.sample} has two different values for sex")


def _fault_of(entry: SampleEntry) -> str:
    """What contradicts itself in an entry; "" where nothing does."""
    if fault := sample_id_fault(entry.sample):
        return fault
    if fault := _fault_of_mates(entry):
        return fault
    if entry.assay and (entry.pipeline or entry.reference):
        return f"sample {entry.sample} has an assay and a pipeline: give one"
    if bool(entry.pipeline) != bool(entry.reference):
        return f"sample {entry.sample} needs both a pipeline and a reference"
    return ""


def _fault_of_mates(entry: SampleEntry) -> str:
    """Reads of a sample are all in pairs, or all single."""
    if not entry.files:
        return f"sample {entry.sample} has no files"
    lone = [pair.r1 for pair in entry.files if not pair.r2]
    if lone and len(lone) < len(entry.files):
        return (
            f"sample {entry.sample} has no r2 beside {lone[0]!r}, and has one beside other files: "
            "give it, or leave that lane out"
        )
    if md5 := next((pair.r1 for pair in entry.files if pair.r2_md5 and not pair.r2), ""):
        return f"sample {entry.sample} has r2_md5 and no r2 beside {md5!r}: give both, or neither"
    return ""


def _from_json(data: bytes) -> Manifest:
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise InvalidManifest("the manifest is not JSON in UTF-8: it is UTF-16", "save it as UTF-8")
    data = data.removeprefix(BOM_UTF8)
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.ValidationError as error:
        raise InvalidManifest(f"the manifest {_wrong_form(error)}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidManifest(f"the manifest is not JSON: {_with_line(error, data)}") from error
    json.loads(data, object_pairs_hook=_check_keys)  # msgspec takes the last of two
    return manifest


def _with_line(error: Exception, data: bytes) -> str:
    """What msgspec says, with the line and column that an editor shows for a byte."""
    said = str(error)
    if found := _BYTE.search(said):
        before = data[: int(found[1])]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        said = f"{said[: found.start()]}(line {line}, column {column}){said[found.end() :]}"
    return said


def _check_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        key, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        where = next((f" of {n} {found[n]!r}" for n in ("sample", "r1") if n in found), "")
        raise InvalidManifest(f"the manifest has the key {key!r}{where} more than once: keep one")
    return found


def _from_sheet(sheet: list[SheetSample]) -> Manifest:
    """Columns: sample, r1, r2, and any of the others that a JSON manifest may have."""
    try:
        return msgspec.convert({"samples": [one.document for one in sheet]}, type=Manifest)
    except msgspec.ValidationError as error:
        raise InvalidManifest(_wrong_in_sheet(error, sheet)) from error


def _wrong_in_sheet(error: msgspec.ValidationError, sheet: Sequence[SheetSample]) -> str:
    """The line and the column of a value that can't be used, what it is, and what it may be."""
    place = _PLACE.search(str(error))
    if place is None or place["column"] not in _RULES:
        return f"the samplesheet {_wrong_form(error)}"
    sample, column = sheet[int(place["sample"])], place["column"]
    if pair := place["pair"]:
        line, found = sample.pair_lines[int(pair)], sample.files[int(pair)][column]
    else:
        line, found = sample.column_lines[column], str(sample.document[column])
    said = f"line {line} of the samplesheet: {column} {_RULES[column]}"
    return said if column in _PATIENT_DATA else f"{said}, not {found[:80]!r}"


def _wrong_form(error: msgspec.ValidationError) -> str:
    """What msgspec says, but in words where there are some. What was given for a sex is not said,
    whatever it was.
    """
    text = str(error)
    place = _PLACE.search(text)
    column = place["column"] if place else ""
    if column in _RULES and (column in _PATIENT_DATA or ", got " not in text):
        text = f"{column} {_RULES[column]} - at {text.rpartition(' - at ')[2]}"
    return f"does not have the right form: {text}"


def locate(name: str, manifest_bucket: str, manifest_key: str) -> tuple[str, str]:
    """Bucket and key of a file that a manifest names: relative to its folder, or an s3:// URI.

    Raises InvalidManifest for a name that leaves the bucket's root, or another bucket.
    """
    if name.startswith("s3://"):
        bucket, _, key = name.removeprefix("s3://").partition("/")
        if bucket != manifest_bucket:
            raise InvalidManifest(f"{name!r} is not in the uploads bucket ({manifest_bucket})")
    else:
        key = posixpath.normpath(posixpath.join(posixpath.dirname(manifest_key), name))
        if key.startswith(("../", "/")) or key in {"..", "."}:
            raise InvalidManifest(f"{name!r} points outside the bucket")
    if not key or len(key.encode()) > _MAX_KEY_BYTES:
        raise InvalidManifest(f"{name[:60]!r} can't be an object's key")
    return manifest_bucket, key


def _lane_number(text: str) -> str:
    """``1`` for ``L001``, ``lane_1`` and ``1``: one lane, however a sheet writes it."""
    return str(int(re.sub("[^0-9]", "", text))) if text else ""


def manifest_digest(entry: SampleEntry, files: Iterable[ExpectedFile]) -> str:
    """Tells whether a manifest says the same of a sample as before."""
    return hashlib.sha256(msgspec.json.encode((entry, list(files)))).hexdigest()[:16]


def expected_files(
    entry: SampleEntry, assay: str, manifest_bucket: str, manifest_key: str
) -> list[ExpectedFile]:
    """Each object that an entry names, and where it belongs."""
    expected = []
    for pair in entry.files:
        lane = _lane_number(pair.lane)
        for read, name, md5 in pair.named:
            bucket, key = locate(name, manifest_bucket, manifest_key)
            place = (entry.sample, assay, read, lane, pair.library, md5.lower())
            expected.append(ExpectedFile(bucket, key, *place))
    if sum(len(f"{file.bucket}/{file.key}".encode()) for file in expected) > _MAX_NAMES_BYTES:
        raise InvalidManifest(
            f"the names of the {len(expected)} files of sample {entry.sample} are too long "
            f"together: at most {_MAX_NAMES_BYTES:,} bytes can be kept"
        )
    return expected
