"""DRAGEN's command line as the stand-in reads it."""

from pathlib import Path

import pytest

from local.tools.dragen_options import Options, WrongUse, parse


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    bam = tmp_path / "a.bam"
    bam.write_bytes(b"")
    return [
        *("-r", str(tmp_path), "-b", str(bam), "--enable-map-align=false"),
        *("--output-directory", str(tmp_path), "--output-file-prefix=P"),
    ]


def test_both_ways_to_give_a_value_are_read(words: list[str]) -> None:
    options = parse([*words, "--num-threads=3", "--output-format", "CRAM", "-f"])
    assert isinstance(options, Options)
    assert (options.threads, options.output_format, options.force) == (3, "CRAM", True)
    assert (options.prefix, options.map_align) == ("P", False)


def test_a_gvcf_alone_is_made_unless_the_vcf_is_asked_for(words: list[str]) -> None:
    plain = parse(words)
    gvcf = parse([*words, "--vc-emit-ref-confidence", "GVCF"])
    both = parse([*words, "--vc-emit-ref-confidence", "GVCF", "--vc-enable-vcf-output=true"])
    assert (plain.emit_gvcf, plain.emit_vcf) == (False, True)
    assert (gvcf.emit_gvcf, gvcf.emit_vcf) == (True, False)
    assert (both.emit_gvcf, both.emit_vcf) == (True, True)


def test_licence_options_leave_no_trace(words: list[str]) -> None:
    options = parse([*words, "--lic-server", "https://u:secret@x", "--lic-credentials=/s/ecret"])
    assert "secret" not in repr(options)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--enable-cnv", "true"], "unknown option --enable-cnv"),
        (["--enable-cnv=true"], "unknown option --enable-cnv"),
        (["--enable-sort", "false"], "cannot do without"),
        (["--enable-variant-caller", "yes"], "neither true nor false"),
        (["--output-format", "SAM"], "SAM"),
        (["-1", "x.fq"], "exactly one of"),
        (["--enable-map-align", "true"], "never maps again"),
        (["--vc-target-bed", "nosuch.bed"], "nosuch.bed do not exist"),
        (["--intermediate-results-dir", "nosuch"], "nosuch does not exist"),
        (["--output-directory", "nosuch"], "nosuch does not exist"),
        (["-b", "nosuch.bam"], "nosuch.bam does not exist"),
        (["stray"], "unknown option stray"),
    ],
)
def test_wrong_use_is_told_in_one_line(words: list[str], more: list[str], message: str) -> None:
    with pytest.raises(WrongUse, match=message) as told:
        parse([*words, *more])
    assert "\n" not in str(told.value)
