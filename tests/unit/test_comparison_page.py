"""The page of a comparison: what it says, that nothing breaks out of it, and that it needs
nothing but itself."""

import itertools
import re
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.comparison.pages.comparison import page
from seqdrop.domain.comparison.pages.html import allele, figure, heat, pair, plain, share
from seqdrop.domain.comparison.pages.metrics import relative
from seqdrop.domain.comparison.pages.style import STYLE
from seqdrop.domain.comparison.pages.words import ABSENCES, CHANGES, KINDS, VERDICTS
from seqdrop.domain.comparison.report import (
    BINS,
    Absence,
    Change,
    Kind,
    Metric,
    Report,
    Row,
    Side,
    Tally,
    Verdict,
)

AMENDED = (
    Change.CONSEQUENCE,
    Change.CLASSIFICATION,
    Change.ONLY_A,
    Change.ONLY_B,
    Change.GENOTYPE,
    Change.FILTER,
)


def report(text: str = "x", verdict: Verdict = Verdict.DIFFERENT, size: int = 1_000) -> Report:
    """One that has everything, with a text wherever one may come from outside."""
    a, b = f"{text}a", f"{text}b"
    rows = tuple(
        Row(text, 1_234_567, text, b, kind, change, a, b, a, b, absence, a, b, a, b, (text,),
            change in AMENDED, text)
        for change, kind, absence in zip(
            Change, itertools.cycle(Kind), itertools.cycle([*Absence, None]), strict=False
        )
    )  # fmt: skip
    changes = dict.fromkeys(Change, 3)
    return Report(
        verdict,
        text,
        Side(a, a, size, size, 1, {text: a, "only here": text}),
        Side(b, b, size, size, 2, {text: b}),
        tuple(Tally(region, kind, size, 1, changes) for region in ("all", text) for kind in Kind),
        {a: {a: size, b: 3}, b: {"absent": 1}},
        dict.fromkeys(Absence, 5),
        {a: size, b: 100},
        {a: (0, 1, size) + (0,) * (BINS - 3)},
        (Metric(text, 1.0, 1.5, within=False), Metric(b, 2.0, 2.0)),
        {text: text},
        (text,),
        (text,),
        rows,
        rows_total=len(rows) + size,
    )


class Page(HTMLParser):
    """What a browser would see: elements and text; an unbalanced tag is an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        """All that there is to read."""
        return " ".join("".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    def shape(self) -> list[tuple[str, list[str]]]:
        """Elements and the names of their attributes."""
        return [(tag, list(attributes)) for tag, attributes in self.elements]


EMPTY = [Report(verdict, "", Side("", ""), Side("", "", facts={"run": ""})) for verdict in Verdict]


@pytest.mark.parametrize("verdict", Verdict)
def test_the_verdict_is_a_word_a_sign_and_a_reason(verdict: Verdict) -> None:
    seen = Page(page(report("Because of this.", verdict)))
    sign, word = VERDICTS[verdict]
    assert f"{sign}{word}Because of this." in seen.text
    assert len(seen.all("h1")) == 1


@pytest.mark.parametrize("verdict", Verdict)
def test_a_report_without_anything_is_a_page_without_plots(verdict: Verdict) -> None:
    seen = Page(page(Report(verdict, "", Side("", ""), Side("", ""))))
    assert seen.all("svg") == []
    assert len(seen.all("table")) == 1
    assert "Nothing: no variant with PASS changed" in seen.text
    assert ("could not be compared" in seen.text) is (verdict is Verdict.UNRESOLVED)


def test_an_identical_pair_has_a_short_page() -> None:
    side = Side("a", "s", 4_000_000, 3_900_000)
    tally = Tally("all", Kind.SNV, 4_000_000)
    metrics = (Metric("mean_depth", 30.5, 30.5), Metric("reads"))
    same = Report(
        Verdict.IDENTICAL, "All is the same.", side, side, (tally,), {"0/1": {"0/1": 9}},
        {}, {"chr1": 100}, {"chr1": (0,) * BINS}, metrics,
    )  # fmt: skip
    seen = Page(page(same))
    assert seen.all("svg") == []
    assert "4,000,000" in seen.text and "100 %" in seen.text
    assert "2 figures are the same in both." in seen.text


@pytest.mark.parametrize("given", [report(), *EMPTY])
def test_a_page_needs_nothing_but_itself_and_runs_nothing(given: Report) -> None:
    html = page(given)
    assert not re.search(r"https?:|url\(|src=|@import|<script|javascript:", html)
    seen = Page(html)
    assert {name for _, attributes in seen.elements for name in attributes if name[:2] == "on"} == (
        set()
    )
    assert all((one["href"] or "").startswith("#") for one in seen.all("a"))
    policies = [one["content"] for one in seen.all("meta") if "http-equiv" in one]
    assert policies == [
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    ]


HARMLESS = Page(page(report())).shape()
HOSTILE = [
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onload='alert(1)",
    "<!--",
    "]]>&lt;&#60;",
    "</title></table></main>",
    "{{7*7}}${x}%s{0}",
    "\u202egnp.exe",
    "\ud800",
    "\0\n\r\t",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    html = page(report(text))
    seen = Page(html)
    assert seen.shape() == HARMLESS
    assert " ".join(plain(text).split()) in seen.text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\ud800-\udfff\0]", html)
    html.encode("utf-8")


@given(st.text(st.characters(), min_size=1, max_size=60))
def test_no_text_changes_the_elements_of_a_page(text: str) -> None:
    assert Page(page(report(text))).shape() == HARMLESS


def test_the_same_report_gives_the_same_bytes() -> None:
    one = report()
    again = msgspec.json.decode(msgspec.json.encode(one), type=Report)
    assert again == one
    assert page(again) == page(one)


def test_the_order_of_counts_does_not_matter() -> None:
    one = report()
    turned = msgspec.structs.replace(
        one,
        genotypes={a: dict(reversed(of_b.items())) for a, of_b in reversed(one.genotypes.items())},
        absences=dict(reversed(one.absences.items())),
    )
    assert page(turned) == page(one)


def test_every_word_of_the_report_is_on_the_page() -> None:
    text = Page(page(report())).text
    for word in (*KINDS.values(), *CHANGES.values(), *ABSENCES.values()):
        assert word.lower() in text.lower()
    assert (set(KINDS), set(CHANGES), set(ABSENCES)) == (set(Kind), set(Change), set(Absence))


def section(html: str, name: str) -> str:
    """A part of the page."""
    return html.partition(f'id="{name}"')[2].partition("</section>")[0]


def test_what_a_report_rests_on_comes_by_gravity() -> None:
    found = re.findall(r"swatch c-(\w+)", section(page(report()), "amend"))
    assert found == list(AMENDED)
    rest = re.findall(r"swatch c-(\w+)", section(page(report()), "others"))
    assert rest == [change for change in Change if change not in AMENDED]


def test_where_the_table_has_more_all_that_is_reportable_is_counted() -> None:
    cut = report()
    more = msgspec.structs.replace(cut, reportable_total=4_321)
    assert "4,321" in Page(page(more)).text
    assert "1,000 more changes are in the table (TSV) alone." in Page(page(cut)).text
    whole = msgspec.structs.replace(cut, rows_total=len(cut.rows))
    assert "at least 6" not in Page(page(whole)).text
    none = msgspec.structs.replace(cut, rows=cut.rows[-4:])
    assert "Nothing among the 4 gravest changes" in Page(page(none)).text


def test_what_could_not_be_compared_is_said_beside_what_must_be_amended() -> None:
    text = section(page(report()), "amend")
    assert "30 variants could not be compared" in text


def test_warnings_are_named_beside_the_verdict() -> None:
    assert "Read the 1 warning below" in Page(page(report())).text


def test_headings_tables_and_plots_have_names() -> None:
    seen = Page(page(report()))
    identifiers = [one["id"] for _, one in seen.elements if "id" in one]
    assert len(set(identifiers)) == len(identifiers)
    assert {one["aria-labelledby"] for one in seen.all("section")} <= set(identifiers)
    assert all(one.get("scope") for one in seen.all("th"))
    assert all(one.get("aria-label") for one in (*seen.all("svg"), *seen.all("table")))


def test_of_hundreds_of_contigs_the_longest_and_the_changed_are_shown() -> None:
    lengths = {f"c{index}": 1_000_000 - index for index in range(300)}
    along = {f"c{index}": (1,) * BINS for index in range(200, 202)}
    seen = section(page(msgspec.structs.replace(report(), contigs=lengths, along=along)), "contigs")
    shown = re.findall(r'<th scope="row">(\w+)</th>', seen)
    assert shown == [f"c{index}" for index in (*range(25), 200, 201)]
    assert "273 contigs with no change left out" in seen


def test_of_hundreds_of_changed_contigs_the_left_out_changes_are_counted() -> None:
    lengths = {f"c{index}": 1_000 for index in range(300)}
    along = {name: (index,) for index, name in enumerate(lengths)}
    seen = section(page(msgspec.structs.replace(report(), contigs=lengths, along=along)), "contigs")
    left_out = sum(range(25, 240))
    assert f"215 contigs with {left_out:,} changes left out" in seen


def test_a_contig_of_unknown_length_is_shown() -> None:
    bare = msgspec.structs.replace(report(), contigs={}, along={"c": (1,), "d": ()})
    assert ">unknown<" in section(page(bare), "contigs")


def test_rare_genotypes_are_left_out_and_counted() -> None:
    many = {f"0/{index}": {"absent": 100 - index} for index in range(1, 40)}
    seen = section(page(msgspec.structs.replace(report(), genotypes=many)), "genotypes")
    left_out = sum(100 - index for index in range(12, 40))
    assert f"Left out: {left_out:,} variants of rarer genotypes." in seen


def test_numbers_beyond_any_genome_are_shown() -> None:
    huge = 10**40
    seen = Page(page(report(size=huge)))
    assert f"{huge:,}" in seen.text
    assert not re.search(r"\b(nan|inf)\b", seen.text)


FIGURES = (None, 0.0, 1.0, -2.5, 1e-320, 1e308, -1e308, float("inf"), float("nan"))


def test_any_two_figures_of_qc_can_be_shown() -> None:
    metrics = tuple(
        Metric("figure", a, b, within)
        for a, b, within in itertools.product(FIGURES, FIGURES, (True, False))
    )
    qc = section(page(msgspec.structs.replace(report(), metrics=metrics)), "qc")
    assert qc.count(">outside") == len(FIGURES) ** 2
    assert qc.count(">not measured<") == 2 * 2 * (len(FIGURES) - 1) + 2
    assert not re.search(r"\b(nan|inf)\b|None", qc)


def test_figures_out_of_tolerance_come_first_and_say_so() -> None:
    metrics = (Metric("fine", 1.0, 1.01), Metric("far", 1.0, 2.0, within=False))
    qc = section(page(msgspec.structs.replace(report(), metrics=metrics)), "qc")
    assert qc.index(">far<") < qc.index(">outside<") < qc.index(">fine<") < qc.index(">within<")
    assert "1 figure is outside the tolerance." in qc


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "0 %"),
        (0, 9, "0 %"),
        (9, 9, "100 %"),
        (1, 3, "33.3 %"),
        (999_999, 1_000_000, "99.9999 %"),
        (1, 1_000_000, "0.0001 %"),
        (10**20 - 1, 10**20, "less than 100 %"),
        (1, 10**20, "more than 0 %"),
    ],
)
def test_a_share_says_all_or_none_of_all_or_none_alone(part: int, whole: int, text: str) -> None:
    assert share(part, whole) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "not measured"),
        (812_334_112.0, "812,334,112"),
        (0.98761, "0.9876"),
        (-0.5, "−0.5"),
        (12_345.678, "12,345.7"),
        (1e300, "1e+300"),
        (float("nan"), "not a number"),
    ],
)
def test_a_figure_is_as_exact_as_it_helps(value: float | None, text: str) -> None:
    assert figure(value) == text


def test_colours_of_numbers_are_on_a_log_scale() -> None:
    assert [heat(number, 100_000) for number in (1, 10, 1_000, 100_000)] == [
        "heat h1", "heat h2", "heat h4", "heat h6",
    ]  # fmt: skip
    assert heat(1, 1) == "heat h6"


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_how_far_two_figures_are_apart_has_bounds(a: float, b: float) -> None:
    away = relative(a, b)
    assert away is None or -2 <= away <= 2


def test_a_pair_that_is_the_same_is_said_once() -> None:
    assert pair("", "", "none") == ""
    assert pair("0/1", "0/1", "absent").count("0/1") == 1
    assert Page(pair("0/1", "", "absent")).text == "0/1 → absent"


def test_a_long_allele_loses_its_middle() -> None:
    assert allele("ACGT") == "ACGT"
    assert allele("A" * 1_500) == "AAAAAAAAAA…AAAAAA (1,500 long)"


def luminance(colour: str) -> float:
    """As WCAG 2.1 defines it."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The ratio of two colours' luminances, from 1 to 21."""
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_told_from_its_ground(scheme: str) -> None:
    light, dark = STYLE.partition("* {")[0].split("@media")
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", light))
    if scheme == "dark":
        colours |= dict(re.findall(r"--([\w-]+): (#\w{6})", dark))
    tones = ("green", "blue", "red", "violet")
    grounds = ("paper", "ground", *(f"{tone}-tint" for tone in tones))
    pairs = [
        *itertools.product(("ink", "soft"), grounds),
        *itertools.product(("a", "b", *tones), ["paper"]),
        *((tone, f"{tone}-tint") for tone in tones),
        *itertools.product(["h-low"], ("h1", "h2", "h3")),
        *itertools.product(["h-high"], ("h5", "h6")),
    ]
    assert [two for two in pairs if contrast(colours[two[0]], colours[two[1]]) < 4.5] == []
