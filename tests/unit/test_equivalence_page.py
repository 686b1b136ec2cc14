"""The page of a test of equivalence: what a lab reads, and that it needs nothing else."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from seqdrop.domain.equivalence.differences_page import marked
from seqdrop.domain.equivalence.figures_page import brief, duration
from seqdrop.domain.equivalence.judging import SIMULATED, judge
from seqdrop.domain.equivalence.page import page
from seqdrop.domain.equivalence.report import (
    Asked,
    Change,
    Difference,
    Effort,
    Equivalence,
    Missing,
    Of,
    Verdict,
)
from tests.equivalence_support import COMMANDS, pair, side
from tests.unit.test_comparison_page import Page

EVIL = "<script>alert(1)</script>\x1b[2J\u202e\"'&"
BROWSER = shutil.which("chromium")


def report(change: Change = Change.AMI, *pairs: Any, missing: Any = ()) -> Equivalence:
    return judge(Asked(change, "this one", "that one"), pairs or [pair()], missing)


def read(*given: Any, **named: Any) -> str:
    return Page(page(report(*given, **named))).text


@pytest.mark.parametrize("verdict", Verdict)
def test_the_verdict_is_a_word_and_a_sign(verdict: Verdict) -> None:
    html = page(report(Change.AMI, pair(verdict=verdict)))
    seen = Page(html)
    word = verdict.replace("_", " ").capitalize()
    assert len(seen.all("h1")) == 1
    assert f"<h1>{word}</h1>" in html
    [sign] = re.findall(r'class="sign" aria-hidden="true">(.)</div>', html)
    assert f"{sign} {verdict.replace('_', ' ')}" in seen.text


def test_the_banner_has_what_a_lab_asks_first() -> None:
    seen = read()
    assert "100 %" in seen
    assert "of 4,000,000 variants in both" in seen
    assert "1.85×" in seen
    assert "+11.8 %" in seen


def test_what_is_not_known_is_said_to_be() -> None:
    seen = read(Change.AMI, pair(efforts=(Effort("dragen", 10.0, 5.0, None, 1.0),)))
    assert "unknown" in seen
    assert "cost, from A to B" in seen
    assert "2×" in seen


def test_a_sum_over_some_samples_says_over_how_many() -> None:
    some = pair("NA2", efforts=(Effort("dragen", 10.0, 5.0), Effort("variants", 1.0, 1.0)))
    assert "of 1 of 2" in read(Change.AMI, pair(), some)
    assert "of 1 of 2" not in read(Change.AMI, pair(), pair("NA2"))


def test_a_simulated_run_is_named_in_the_title_and_in_a_frame_of_its_own() -> None:
    html = page(report(Change.AMI, pair(a=side(simulated=True), verdict=Verdict.IDENTICAL)))
    assert "<h1>Identical, but simulated</h1>" in html
    assert Page(html).text.count(SIMULATED) == 1
    assert SIMULATED not in read()


def test_command_lines_of_other_pipelines_differ_by_nature_and_others_do_not() -> None:
    one = pair(differences=(COMMANDS,))
    assert "they differ by what is tested" in read(Change.PIPELINE, one)
    assert "✗" not in read(Change.PIPELINE, one)
    assert "✗" in read(Change.AMI, one)
    assert "✗" not in read(Change.AMI, pair())


def test_the_same_difference_of_many_samples_is_one_row() -> None:
    pairs = [pair(f"NA{n}", differences=(COMMANDS,)) for n in range(8)]
    html = page(report(Change.AMI, *pairs))
    assert html.count("call, line 2") == 1
    assert "NA0, NA1, NA2, NA3, NA4 and 3 more" in html


def test_many_differences_are_cut_and_counted() -> None:
    many = tuple(Difference(Of.SETTING, f"s{n}", "1", "2") for n in range(70))
    assert "10 more are in equivalence.json." in read(Change.ASSAY, pair(differences=many))


def test_words_that_differ_are_marked_and_long_stretches_cut() -> None:
    a, b = marked("tool x " + "same " * 9 + "--q 20 end", "tool x " + "same " * 9 + "--q 40 end")
    assert a == ('<span class="mono">tool … same --q <b class="of-a">20</b> end</span>')
    assert '<b class="of-b">40</b>' in b
    assert marked("a b", "a b") == ('<span class="mono">a b</span>',) * 2


def test_a_sample_links_to_its_own_comparison_where_that_was_written() -> None:
    links = [one["href"] for one in Page(page(report())).all("a")]
    assert links == ["NA1.wgs/comparison.html"]
    assert Page(page(report(Change.AMI, pair(comparison="")))).all("a") == []


def test_a_sample_without_a_side_is_on_the_page() -> None:
    missing = [Missing("NA9", "wgs", "it has no good run on that one")]
    assert "NA9 (wgs): it has no good run on that one" in read(Change.AMI, pair(), missing=missing)


def test_assays_have_figures_of_their_own_and_all_together() -> None:
    seen = read(Change.AMI, pair(), pair("NA2", assay="wes"))
    assert seen.count("wes: 1 sample") == 3
    assert seen.count("all samples: 2 samples") == 3
    assert "all samples:" not in read()


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.25, "0.25 s"), (59, "59 s"), (61, "1 min 1 s"), (3_600, "1 h 0 min"), (9e4, "25 h 0 min")],
)
def test_times_are_as_people_say_them(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


def evil() -> Equivalence:
    """Text from outside in every place."""
    bad = Difference(Of.COMMAND, EVIL, EVIL, EVIL)
    one = pair(
        EVIL, assay=EVIL, why=EVIL, comparison=EVIL, differences=(bad,), warnings=(EVIL,),
        verdict=Verdict.DIFFERENT, efforts=(Effort(EVIL, 1.0, 2.0, 3.0, 4.0),),
        a=side(run=EVIL, pipeline=EVIL, images={EVIL: EVIL}, tools={EVIL: EVIL}, qc=EVIL),
    )  # fmt: skip
    return judge(Asked(Change.IMAGE, EVIL, EVIL), [one], [Missing(EVIL, EVIL, EVIL)])


def test_nothing_breaks_out_of_the_page() -> None:
    html = page(evil())
    seen = Page(html)
    assert seen.all("script") == []
    assert "\x1b" not in html
    assert "\u202e" not in html


def test_the_page_says_when_it_was_made_and_by_whom() -> None:
    asked = Asked(Change.AMI, "this", "that")
    made = judge(asked, [pair()], [], made="2026-11-29 10:00 UTC", by="arn:aws:iam::1:user/ana")
    assert "Made 2026-11-29 10:00 UTC by arn:aws:iam::1:user/ana" in Page(page(made)).text


def test_the_page_loads_nothing_and_is_the_same_each_time() -> None:
    html = page(report())
    assert html == page(report())
    assert "default-src 'none'" in html.replace("&#x27;", "'")
    assert not re.search(r"(?:src|url\()\s*=?\s*[\"']?https?:", html)
    assert Page(html).all("link") == Page(html).all("img") == []


@pytest.mark.skipif(BROWSER is None, reason="chromium is not on PATH")
def test_a_browser_moves_no_element(tmp_path: Path) -> None:
    html = page(evil())
    file = tmp_path / "page.html"
    file.write_text(html, "utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--dump-dom"]
    done = subprocess.run(
        [str(BROWSER), *flags, f"--user-data-dir={tmp_path / 'profile'}", file.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    tags = re.compile(r"<(/?\w+)")
    assert tags.findall(done.stdout) == tags.findall(html)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.00444, "0.00444"), (1.0149, "1.01"), (99.96, "100"), (12345.6, "12,346")],
)
def test_numbers_are_short_and_never_written_with_an_exponent(value: float, expected: str) -> None:
    assert brief(value) == expected
