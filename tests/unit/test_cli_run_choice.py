"""Which run a person means by an id, its beginning, or its beginning and an attempt."""

import pytest

from cli.faults import CommandFailed
from cli.run_choice import ids_named

IDS = ["83ed#1", "83ed#2", "83ed#12", "0458#1"]


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("0458#1", ["0458#1"]),
        ("04", ["0458#1"]),
        ("83", ["83ed#1", "83ed#2", "83ed#12"]),
        ("83#2", ["83ed#2"]),
        ("83ed#1", ["83ed#1"]),
    ],
)
def test_an_id_or_its_beginning_names_the_attempts_of_one_content(
    asked: str, named: list[str]
) -> None:
    assert ids_named(IDS, asked, "NA1") == named


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("83#3", "NA1 has no run '83#3': it has 83ed#1, 83ed#2, 83ed#12, 0458#1"),
        ("", "several runs begin with '': 83ed#1, 83ed#2, 83ed#12, 0458#1"),
        ("#1", "several runs begin with '#1': 83ed#1, 0458#1"),
    ],
)
def test_what_names_none_or_several_is_refused(asked: str, said: str) -> None:
    with pytest.raises(CommandFailed) as refused:
        ids_named(IDS, asked, "NA1")
    assert str(refused.value) == said
