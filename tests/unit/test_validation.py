"""Validations: what an assay asks for, how a run is judged, and how controls go over time."""

import msgspec
import pytest

from seqdrop.domain.assay_check import mistakes_of_assay
from seqdrop.domain.comparison.accuracy import (
    METHOD,
    Accuracy,
    ClassCounts,
    Tallies,
    Zygosity,
    classes_of,
)
from seqdrop.domain.comparison.pages.validation import page
from seqdrop.domain.comparison.report import Kind
from seqdrop.domain.identity import RunId
from seqdrop.domain.pipeline import Assay, Pipeline
from seqdrop.domain.validation.limits import Least, Validation
from seqdrop.domain.validation.record import (
    File,
    Outcome,
    Record,
    in_percent,
    judge,
    record_id,
    trend,
)

RUN = RunId("HG002", "wes", "0" * 16, 1)
TRUTH, BED, VCF = File("t.vcf.gz", "1" * 64), File("r.bed", "2" * 64), File("v.vcf.gz", "3" * 64)


def counted(found: int = 0, missed: int = 0, wrong: int = 0) -> ClassCounts:
    """Variants that were found or missed, and calls that are wrong."""
    return ClassCounts(true=found, missed=missed, calls_true=found, calls_false=wrong)


def accuracy(snv: ClassCounts, indel: ClassCounts | None = None) -> Accuracy:
    """Heterozygous SNVs and deletions."""
    tallies: Tallies = {("all", Kind.SNV, Zygosity.HET): snv}
    if indel:
        tallies["all", Kind.DELETION, Zygosity.HET] = indel
    classes = tuple(classes_of(tallies, [], 10))
    return Accuracy("v.vcf.gz", "t.vcf.gz", "HG002", 1_000, classes, 0, 10, METHOD)


def record(
    run: RunId = RUN, ended: str = "2026-01-01", snv: ClassCounts | None = None, **changes: object
) -> Record:
    """One that has passed."""
    made = Record(
        "id" + ended, "wes", "v1", run, "germline-cpu", "GRCh38/1", ("HX",), ended, TRUTH, BED, {},
        VCF, accuracy(snv or counted(990, 10)), {"snv": Least(recall=0.9)}, Outcome.PASSED,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


@pytest.mark.parametrize(
    ("limits", "reasons"),
    [
        ({"snv": Least(recall=0.99, precision=0.98)}, []),
        ({"snv": Least(recall=0.991)}, ["snv: recall is 99.00 %, below 99.10 %"]),
        ({"snv/het": Least(precision=0.99)}, ["snv/het: precision is 98.02 %, below 99.00 %"]),
        ({"snv": Least(f1=0.99)}, ["snv: f1 is 98.51 %, below 99.00 %"]),
        (
            {"snv": Least(recall_low=0.99)},
            ["snv: recall, at least (95 %), is 98.17 %, below 99.00 %"],
        ),
        ({"indel": Least(recall=0.5)}, ["indel: too few to judge: 9 of at least 10"]),
        (
            {"insertion": Least(recall=0.1)},
            ["insertion: neither the truth nor the calls have any in the confident regions"],
        ),
        (
            {"all": Least(recall=0.999), "snv": Least(precision=1)},
            ["all: recall is 99.01 %, below 99.90 %", "snv: precision is 98.02 %, below 100.00 %"],
        ),
    ],
)
def test_a_run_passes_where_every_limit_is_reached(
    limits: dict[str, Least], reasons: list[str]
) -> None:
    found = accuracy(counted(990, 10, 20), counted(9))
    outcome, why = judge(Validation(limits=limits), found, qc="PASS", simulated=False)
    assert list(why) == reasons
    assert outcome == ("FAIL" if reasons else "PASS")


def test_nothing_passes_without_limits_nor_a_run_that_is_bad_or_simulated() -> None:
    found = accuracy(counted(100))
    assert judge(Validation(), found, qc="PASS", simulated=False) == ("NO_LIMITS", ())
    asked = Validation(limits={"snv": Least(recall=0.5)})
    assert judge(asked, found, qc="WARN", simulated=False) == ("PASS", ())
    outcome, why = judge(asked, found, qc="FAIL", simulated=True)
    assert outcome == "FAIL"
    assert why == (
        "the run's own QC is FAIL",
        "the run is simulated: it says nothing of the real tool",
    )


def test_calls_that_are_missing_are_no_precision() -> None:
    asked = Validation(limits={"snv": Least(precision=0.5)})
    outcome, why = judge(asked, accuracy(counted(0, 20)), qc="PASS", simulated=False)
    assert (outcome, why) == ("FAIL", ("snv: nothing was called, so that there is no precision",))


def test_a_share_has_the_digits_that_tell_it_from_its_limit() -> None:
    assert in_percent(0.98996, 0.99) == "98.996 %"
    assert in_percent(0.99, 0.99) == "99.00 %"


def test_a_share_is_never_rounded_to_all() -> None:
    assert [in_percent(one) for one in (1, 0.99999, 0.9999996, 0.5, 0)] == [
        "100.00 %", "99.999 %", "99.99996 %", "50.00 %", "0.00 %",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"required": True, "controls": ["HG*"]}, "has no limits that anything could pass"),
        ({"required": True, "limits": {"snv": {"recall": 0.9}}}, "names no controls"),
        ({"limits": {"snp": {"recall": 0.9}}}, "limits for 'snp', which is no class of variants"),
        ({"limits": {"snv/het": {}}}, "asks for nothing of 'snv/het'"),
        ({"limits": {"snv": {"recall": 0}}}, "asks for nothing of 'snv'"),
        ({"controls": ["HG*", "*"]}, "has '*' among its controls, which all samples are like"),
        ({"limits": {"indel": {"recall": 0.9}}}, ""),
    ],
)
def test_settings_that_nothing_could_meet_are_told(asked: dict[str, object], says: str) -> None:
    assay = Assay("p", validation=msgspec.convert(asked, Validation))
    mistakes = mistakes_of_assay("wes", assay, Pipeline("p", "", {}))
    assert [says in one.says for one in mistakes] == ([True] if says else [])
    assert all(one.place[0] == "validation" for one in mistakes)


def test_a_share_above_one_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"`float` <= 1.*limits\[.*recall"):
        msgspec.convert({"limits": {"snv": {"recall": 99}}}, Validation)


def test_only_controls_are_analysed_by_what_has_not_passed() -> None:
    asked = Validation(required=True, controls=("HG00?", "NTC-*"))
    held = {name: asked.holds_back(name) for name in ("HG002", "NTC-1", "HG0021", "NA1", "hg002")}
    assert held == {"HG002": False, "NTC-1": False, "HG0021": True, "NA1": True, "hg002": True}
    assert not Validation(controls=("HG002",)).holds_back("NA1")


def test_a_record_has_one_name_whoever_writes_it() -> None:
    asked, found = Validation(limits={"snv": Least(recall=0.9)}), accuracy(counted(9))
    files, named = (TRUTH, BED, VCF), {"easy": BED}
    first = record_id(RUN, files, named, asked, found)
    assert first == record_id(RUN, files, {"easy": File("other.bed", "2" * 64)}, asked, found)
    others = {
        record_id(RUN, (BED, TRUTH, VCF), named, asked, found),
        record_id(RUN, files, {}, asked, found),
        record_id(RUN, files, named, Validation(), found),
        record_id(msgspec.structs.replace(RUN, attempt=2), files, named, asked, found),
        record_id(RUN, files, named, asked, msgspec.structs.replace(found, sample="HG003")),
    }
    assert len(others | {first}) == 6


def test_a_run_is_worse_only_beyond_chance_and_beside_its_like() -> None:
    other = msgspec.structs.replace(RUN, attempt=2)
    records = [
        record(other, "2026-01-03", counted(900, 100)),
        record(ended="2026-01-01", snv=counted(990, 10)),
        record(ended="2026-01-02", snv=counted(9, 900)),
        record(other, "2026-01-03T1", counted(10, 1_000)),
        record(RunId("HG002", "wes", "1" * 16, 1), "2026-01-04", counted(990, 10, 60)),
        record(RunId("HG002", "wes", "2" * 16, 1), "2026-01-05", counted(980, 20)),
        record(RunId("HG002", "wes", "3" * 16, 1), "2026-01-06", counted(8, 200), truth=BED),
        record(RunId("HG002", "wes", "4" * 16, 1), "2026-01-07", counted(8, 200), withdrawn="x"),
        record(RunId("HG002", "wes", "5" * 16, 1), "2026-01-08", counted(8, 200), simulated=True),
        record(RunId("HG002", "wes", "6" * 16, 1), "2026-01-08", counted(8, 200), targets=BED),
        record(RunId("HG001", "wes", "0" * 16, 1), "2026-01-09", counted(8, 200)),
    ]
    worse = {one.record.ended[-4:]: one.worse for one in trend(records) if one.worse}
    assert worse == {"1-03": ("snv recall",), "1-04": ("snv precision",)}


def test_the_page_says_what_the_record_says_and_nothing_breaks_out_of_it() -> None:
    nasty = "<script>alert(1)</script>"
    one = record(
        reasons=(nasty,), outcome=Outcome.FAILED, flowcells=(nasty,),
        named={"easy": File(nasty, "4" * 64)},
        accuracy=accuracy(counted(990, 10), counted(8, 1)),
    )  # fmt: skip
    text = page(one, trend([one, record(ended="2025-12-31")]))
    assert "Not passed" in text
    assert "99.00 (98.17–99.52)" in text
    assert "HG002 over time" in text
    assert nasty not in text
    assert "&lt;script&gt;" in text
    assert text == page(one, trend([one, record(ended="2025-12-31")]))
    assert "HG002 over time" not in page(one, trend([one]))
    gone = msgspec.structs.replace(one, outcome=Outcome.PASSED, withdrawn="x", withdrawn_why="kit")
    assert "Withdrawn" in (text := page(gone, trend([gone]))) and "Passed" not in text
