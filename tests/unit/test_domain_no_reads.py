"""Files without a read: the end of a control, and a question for anybody else."""

import pytest

from seqdrop.domain.no_reads import NoReads, is_rightly_empty, why_without_reads
from seqdrop.domain.read_name import FastqHead

EMPTY, SOME = NoReads(), FastqHead("r")


@pytest.mark.parametrize(
    ("files", "is_control", "rightly"),
    [
        ([EMPTY, EMPTY], True, True),
        ([EMPTY] * 8, True, True),
        ([EMPTY, EMPTY], False, False),
        ([EMPTY, SOME], True, False),
        ([SOME, SOME], True, False),
        ([], True, False),
    ],
)
def test_only_a_control_without_a_read_in_any_file_ends_by_itself(
    files: list[FastqHead | NoReads], is_control: bool, rightly: bool
) -> None:
    assert is_rightly_empty(files, is_control=is_control) is rightly


@pytest.mark.parametrize("mate", [None, EMPTY])
def test_nobody_is_asked_to_upload_again_what_is_right_as_it_is(mate: NoReads | None) -> None:
    said = why_without_reads(mate)
    assert '"control": true' in said
    assert "upload" not in said
    assert "again" not in said


def test_a_file_without_the_reads_of_its_mate_was_made_wrong() -> None:
    assert "make both anew" in why_without_reads(SOME)
