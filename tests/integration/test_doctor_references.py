"""What `seqdrop doctor` says of references, with and without samples that wait for one."""

from pathlib import Path
from typing import cast

import pytest

from cli.dead_letters import DeadLetters
from cli.doctor.catalog import Deployed, check_references
from cli.doctor.findings import Wanted
from seqdrop.domain.identity import AnalysisId
from seqdrop.domain.records import AnalysisStatus
from seqdrop.library import Library
from tests.cloud_support import open_cloud
from tests.domain_support import reference
from tests.lab import reads

# A batch of nothing good has no metric to tell, and Powertools says so.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


def test_a_reference_that_is_missing_fails_once_a_sample_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_cloud(tmp_path, monkeypatch) as cloud:
        assays = tmp_path / "assays.yaml"
        assays.write_text(assays.read_text().replace("reference: tiny", "reference: GRCh37"))
        wanted = Wanted({}, {}, {}, Library(str(tmp_path)), None)
        deployed = Deployed(cloud.catalog, cast("DeadLetters", None))

        def said() -> list[tuple[str, str]]:
            found = check_references(wanted, deployed)
            return [(one.verdict.value, one.says.partition(":")[0]) for one in found]

        assert said() == [("warn", "wgs, panel")]
        cloud.upload("NA1_R1.fastq.gz", reads(5, mate=1))
        cloud.upload("NA1_R2.fastq.gz", reads(5, mate=2))
        held = cloud.catalog.analyses.get(AnalysisId("NA1", "wgs"))
        assert held is not None
        assert held.status is AnalysisStatus.HELD
        assert said() == [("fail", "wgs"), ("warn", "panel")]
        cloud.catalog.references.add(reference(name="GRCh37"), "an analyst", cloud.clock())
        assert said() == [("ok", "wgs, panel")]


def test_what_is_held_for_another_reason_waits_for_no_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_cloud(tmp_path, monkeypatch) as cloud:
        assays = tmp_path / "assays.yaml"
        assays.write_text(assays.read_text().replace("reference: tiny", "reference: GRCh37"))
        cloud.upload("NA1_R1.fastq.gz", b"no reads")
        held = cloud.catalog.analyses.get(AnalysisId("NA1", "wgs"))
        assert held is not None
        assert held.status is AnalysisStatus.HELD
        wanted = Wanted({}, {}, {}, Library(str(tmp_path)), None)
        found = check_references(wanted, Deployed(cloud.catalog, cast("DeadLetters", None)))
        assert [one.verdict for one in found] == ["warn"]
