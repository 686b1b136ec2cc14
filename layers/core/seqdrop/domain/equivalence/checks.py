"""Whether two runs may be held against each other: their files, their reference, what they ran."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import repeat

from seqdrop.domain.equivalence.report import Difference, Of
from seqdrop.domain.pipeline import COMPARE
from seqdrop.domain.plan import ReadPair, StageResult, StoredObject
from seqdrop.domain.provenance import RunRecord

IsSame = Callable[[StoredObject, StoredObject], bool]
"""Whether two objects of one size hold the same bytes, where their recorded checksums can't tell:
they may be of two kinds."""

IGNORED = {
    "threads": "the number of threads: a host's cores decide it, and no result depends on it",
    "keys": "the keys of the run and of its stages, which are written into results",
    "version": "Seqdrop's own version, which is written into results",
    "simulated": "the mark of a stand-in, which is told by itself",
    "licence": "DRAGEN's licence, which is never recorded",
}
_NOT_THERE = "not there"
_THREADS = {"-@", "--threads", "--num-threads"}
_THREADS_OF = {"bwa": "-t", "bwa-mem2": "-t", "minimap2": "-t", "mosdepth": "-t"}
_OWN_TOOL = "seqdrop-tool"
_OF_OWN_TOOL = {"--version", "--run", "--stage", "--simulated"}
_NO_SETTINGS = {"assay", "same_as_before"}
"""Variables of a run that set nothing."""


def differences(a: RunRecord, b: RunRecord, is_same: IsSame) -> tuple[Difference, ...]:
    """All that is not the same, beside what came out."""
    return (
        *_of_inputs(a.inputs, b.inputs, is_same),
        *_of_reference(a, b),
        *_of_commands(a, b),
        *_of_settings(a, b),
    )


def has_same_basis(a: RunRecord, b: RunRecord, is_same: IsSame) -> bool:
    """Whether two runs are of the same files, and have used the same of a reference.

    What they used may have other names: a version that adds target regions has the same sequence.
    """
    if any(one.of is Of.REFERENCE for one in _of_reference(a, b)):
        return False
    return not any(True for _ in _of_inputs(a.inputs, b.inputs, is_same))


# ── Files


def _of_inputs(
    a: Sequence[ReadPair], b: Sequence[ReadPair], is_same: IsSame
) -> Iterator[Difference]:
    if not a or not b:
        told = [f"{len(pairs)} pairs" if pairs else "not recorded" for pairs in (a, b)]
        yield Difference(Of.INPUT, "FASTQ files", *told)
        return
    rest = list(b)
    for pair in a:
        candidates = sorted(rest, key=lambda other: other.id != pair.id)
        found = next((o for o in candidates if _is_same_pair(pair, o, is_same)), None)
        if found:
            rest.remove(found)
            continue
        other = next((o for o in rest if o.id == pair.id), None)
        if other:
            rest.remove(other)
            yield from _of_mates(pair, other, is_same)
        else:
            yield Difference(Of.INPUT, f"lane {pair.id}", _files(pair), _NOT_THERE)
    for pair in rest:
        yield Difference(Of.INPUT, f"lane {pair.id}", _NOT_THERE, _files(pair))


def _is_same_pair(one: ReadPair, other: ReadPair, is_same: IsSame) -> bool:
    a, b = one.files, other.files
    return len(a) == len(b) and all(map(is_same_file, a, b, repeat(is_same)))


def is_same_file(one: StoredObject, other: StoredObject, is_same: IsSame) -> bool:
    """Whether two objects hold the same bytes, by checksum and size."""
    if one.size != other.size:
        return False
    if one.checksum and one.checksum == other.checksum:
        return True
    kinds = {one.checksum.partition(":")[0], other.checksum.partition(":")[0]}
    if len(kinds) == 1 and kinds.isdisjoint({"", "etag"}):
        return False  # an ETag depends on how a file was cut; no other kind does
    return is_same(one, other)


def _of_mates(one: ReadPair, other: ReadPair, is_same: IsSame) -> Iterator[Difference]:
    theirs = dict(other.mates)
    for read, a in one.mates:
        b = theirs.pop(read, None)
        if b is None or not is_same_file(a, b, is_same):
            there = _file(b) if b else _NOT_THERE
            yield Difference(Of.INPUT, f"{read} of lane {one.id}", _file(a), there)
    for read, b in theirs.items():
        yield Difference(Of.INPUT, f"{read} of lane {one.id}", _NOT_THERE, _file(b))


def _files(pair: ReadPair) -> str:
    return "; ".join(map(_file, pair.files))


def _file(object_: StoredObject) -> str:
    return f"{object_.key} ({object_.size:,} bytes, {object_.checksum or 'no checksum'})"


# ── Reference


def _of_reference(a: RunRecord, b: RunRecord) -> Iterator[Difference]:
    """Parts of one version that one side alone uses are no difference of the reference."""
    for name in sorted(a.parts.keys() | b.parts.keys()):
        one, other = a.parts.get(name), b.parts.get(name)
        is_everywhere = one is not None and other is not None
        if one != other and (is_everywhere or a.reference != b.reference):
            told = (
                f"{side.reference}: {sha or 'not used'}" for side, sha in ((a, one), (b, other))
            )
            yield Difference(Of.REFERENCE, name, *told)
    of_a, of_b = _indexes(a), _indexes(b)
    for name in sorted(of_a.keys() & of_b.keys()):
        if of_a[name] != of_b[name]:
            yield Difference(Of.INDEX, name, of_a[name], of_b[name])


def _indexes(record: RunRecord) -> dict[str, str]:
    """Checksums of what is made of the parts, by its path below the version."""
    parts = set(record.parts.values())
    return {
        file.uri.rpartition(f"/{record.reference}/")[2]: file.sha256
        for stage, files in record.files.items()
        if stage != COMPARE
        for file in files
        if file.sha256 and file.sha256 not in parts
    }


# ── Command lines and settings


def _of_commands(a: RunRecord, b: RunRecord) -> Iterator[Difference]:
    for stage in dict.fromkeys([*a.results, *b.results]):
        one, other = a.results.get(stage), b.results.get(stage)
        if stage == COMPARE:
            continue
        if one is None or other is None:
            yield Difference(Of.COMMAND, f"stage {stage}", _steps(one), _steps(other))
        else:
            yield from _of_stage(stage, _told(one), _told(other))


def _steps(result: StageResult | None) -> str:
    return _NOT_THERE if result is None else f"{len(result.commands)} command lines"


def _told(result: StageResult) -> list[str]:
    return [comparable(text) for text in result.commands]


def _of_stage(stage: str, a: list[str], b: list[str]) -> Iterator[Difference]:
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    for what, a_from, a_to, b_from, b_to in matcher.get_opcodes():
        if what == "equal":
            continue
        for step in range(max(a_to - a_from, b_to - b_from)):
            at = a_from + step, b_from + step
            one = a[at[0]] if at[0] < a_to else _NOT_THERE
            other = b[at[1]] if at[1] < b_to else _NOT_THERE
            number = (at[0] if at[0] < a_to else at[1]) + 1
            yield Difference(Of.COMMAND, f"{stage}, line {number}", one, other)


def comparable(command: str) -> str:
    """A command line as it was recorded, without what may differ; see ``IGNORED``.

    Paths are relative to the job's own folder in every record.
    """
    try:
        words = shlex.split(command)
    except ValueError:  # what was hidden in it took a quotation mark with it
        words = command.split()
    program, found = "", []
    ignores = ""
    for word in words:
        if ignores:
            found.append(f"{{{ignores}}}")
            ignores = ""
            continue
        found.append(word)
        program = word if not program else "" if word == "|" else program
        ignores = _ignored(program, word)
    return " ".join(word if word and " " not in word else repr(word) for word in found)


def _ignored(program: str, word: str) -> str:
    """What the next word is, if it is not compared."""
    if word in _THREADS or word == _THREADS_OF.get(program):
        return "threads"
    if program == _OWN_TOOL and word in _OF_OWN_TOOL:
        return word.removeprefix("--")
    return ""


def _of_settings(a: RunRecord, b: RunRecord) -> Iterator[Difference]:
    for name in sorted((a.settings.keys() | b.settings.keys()) - _NO_SETTINGS):
        one, other = a.settings.get(name), b.settings.get(name)
        if one != other:
            yield Difference(Of.SETTING, name, _setting(one), _setting(other))


def _setting(value: bool | str | None) -> str:
    if value is None:
        return "not set"
    return str(value).lower() if isinstance(value, bool) else value or "none"
