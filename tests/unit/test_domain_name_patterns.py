"""Names of files as data: what a lab may write, and what is refused before it can do harm."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.errors import InvalidPipeline
from seqdrop.domain.name_patterns import (
    LONGEST_NAME,
    NamePattern,
    NamePatterns,
    NamesFile,
    mistakes_in_names,
)
from seqdrop.domain.pattern_cost import pattern_fault
from seqdrop.library import Library
from tests.domain_support import PATTERNS
from tests.tools_support import ROOT

OWN = Library(str(ROOT / "pipelines")).names()
EXAMPLES = [
    (stem, expected) for each in OWN.patterns.values() for stem, expected in each.examples.items()
]
PLAIN = NamePattern("(?P<sample>.+)_(?P<read>[12])", {"A_1": {"sample": "A", "read": "R1"}})


def file_of(pattern: str, examples: dict[str, dict[str, str]] | None = None) -> NamesFile:
    return NamesFile({"own": NamePattern(pattern, examples or {"x": {}}), "plain": PLAIN})


def said(file: NamesFile) -> str:
    return "; ".join(mistake.says for mistake in mistakes_in_names(file))


@pytest.mark.parametrize(("stem", "expected"), EXAMPLES)
def test_the_examples_of_names_yaml_come_out_as_it_says(
    stem: str, expected: dict[str, str]
) -> None:
    assert PATTERNS.parts(stem) == expected


def test_names_yaml_has_no_mistake() -> None:
    assert list(mistakes_in_names(OWN)) == []


def test_a_lab_s_own_pattern_goes_before_what_takes_nearly_any_name() -> None:
    own = r"(?P<flowcell>\w{9})-(?P<lane>\d)-(?P<sample>[^-]+)-(?P<read>R[12])_1"
    examples = {
        "HXXDSXC01-2-D77-R1_1": {
            "sample": "D77", "read": "R1", "lane": "2", "flowcell": "HXXDSXC01",
        }
    }  # fmt: skip
    file = file_of(own, examples)
    assert said(file) == ""
    assert NamePatterns(file).parts("HXXDSXC01-2-D77-R2_1") == {
        "sample": "D77", "read": "R2", "lane": "2", "flowcell": "HXXDSXC01",
    }  # fmt: skip
    assert NamePatterns(file).parts("HXXDSXC01-2_1") == {"sample": "HXXDSXC01-2", "read": "R1"}


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(?P<sample>.+", "no regular expression: missing )"),
        ("(?P<sample>.+)_[12]", "no group (?P<read>…)"),
        ("(?P<sample>.+)_(?P<read>[12])(?P<colour>x?)", "'colour' is none of barcode, flowcell"),
        ("(?P<sample>(a+)+)_(?P<read>[12])", "repeats a group"),
        ("(?P<sample>(?:a|a)*)_(?P<read>[12])", "repeats a group"),
        ("(?P<sample>(?:a?){40})_(?P<read>[12])", "repeats a group"),
        ("(?P<sample>.*)(?P<read>[12]).*.*.*", "ways to try"),
        (r"(?P<sample>.+)_\1(?P<read>[12])", "uses groupref"),
        ("(?P<sample>.+(?=_1))_(?P<read>[12])", "uses assert"),
    ],
)
def test_a_pattern_that_can_t_be_or_could_stall_is_refused(pattern: str, why: str) -> None:
    file = file_of(pattern)
    assert why in said(file)
    with pytest.raises(InvalidPipeline, match=re.escape(why)):
        NamePatterns(file)


@pytest.mark.parametrize(
    ("examples", "why"),
    [
        ({"A_B_1": {"sample": "A", "read": "R1"}}, "the names say read: R1, sample: A_B, not"),
        ({"A": {"sample": "A", "read": "R1"}}, "of the example A no pattern fits"),
    ],
)
def test_an_example_that_comes_out_otherwise_is_a_mistake(
    examples: dict[str, dict[str, str]], why: str
) -> None:
    assert why in said(file_of(r"(?P<sample>\w+)-(?P<read>[12])", examples))


def test_an_example_that_an_earlier_pattern_takes_is_a_mistake() -> None:
    late = NamePattern(
        r"(?P<sample>.+)_L\d_(?P<read>[12])", {"A_L2_1": {"sample": "A", "read": "R1"}}
    )
    assert "the names say read: R1, sample: A_L2" in said(NamesFile({"p": PLAIN, "late": late}))


def test_a_pattern_without_an_example_and_a_file_without_a_pattern_are_mistakes() -> None:
    bare = msgspec.structs.replace(PLAIN, examples={})
    assert "it has no example" in said(NamesFile({"bare": bare}))
    assert "no pattern" in said(NamesFile({}))


def test_a_name_that_no_file_system_takes_fits_nothing() -> None:
    assert PATTERNS.parts("x" * (LONGEST_NAME - 2) + "_1") is not None
    assert PATTERNS.parts("x" * (LONGEST_NAME - 1) + "_1") is None


def test_what_is_taken_ends_in_the_worst_case() -> None:
    """What is refused would not end in this life."""
    slowest = "(?P<sample>.*)(?P<lane>.*)_(?P<segment>x{0,29})!(?P<read>[12])"
    assert pattern_fault(slowest, LONGEST_NAME) == ""
    for stem in ("x" * LONGEST_NAME, "_" * LONGEST_NAME, "_x" * (LONGEST_NAME // 2)):
        assert re.fullmatch(slowest, stem) is None
        assert PATTERNS.parts(stem) is None


@given(st.text(st.sampled_from("_-.LSR0129ACGTNx"), max_size=LONGEST_NAME + 9))
def test_any_name_is_read_with_a_sample_and_a_read_or_not_at_all(stem: str) -> None:
    found = PATTERNS.parts(stem)
    assert found is None or (found["sample"] and found["read"])
