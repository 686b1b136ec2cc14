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


def test_the_software_mode_is_a_word_without_a_value(words: list[str]) -> None:
    options = parse(["--sw-mode", *words])
    assert options.software_mode
    assert options.prefix == "P"
    assert not parse(words).software_mode
    with pytest.raises(WrongUse, match="unknown option true"):
        parse([*words, "--sw-mode", "true"])


def test_licence_options_leave_no_trace(words: list[str]) -> None:
    options = parse([*words, "--lic-server", "https://u:secret@x", "--lic-instance-id-location=/s"])
    assert "secret" not in repr(options)
    assert not options.licensed


def credentials(folder: Path, text: str, mode: int = 0o600) -> str:
    file = folder / "dragen.lic"
    file.write_text(text)
    file.chmod(mode)
    return str(file)


def test_a_licence_credentials_file_is_looked_at_and_forgotten(
    words: list[str], tmp_path: Path
) -> None:
    file = credentials(tmp_path, "credentials-1=somebody\ncredentials-2=secret\n")
    options = parse([*words, "--lic-credentials", file])
    assert options.licensed
    assert "secret" not in repr(options)
    assert file not in repr(options)
    assert not parse(words).licensed


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        ("credentials-1=a\ncredentials-2=secret\n", 0o644, "is open to others"),
        ("credentials-1=a\ncredentials-2=secret\n", 0o640, "is open to others"),
        ("credentials-1=a\n", 0o600, "has no credentials-2"),
        ("credentials-1=\ncredentials-2=secret\n", 0o600, "has no credentials-1"),
        ("https://a:secret@licence.example\n", 0o600, "has no credentials-1"),
    ],
)
def test_a_licence_that_is_none_or_lies_open_is_refused(
    words: list[str], tmp_path: Path, text: str, mode: int, message: str
) -> None:
    file = credentials(tmp_path, text, mode)
    with pytest.raises(WrongUse, match=message) as told:
        parse([*words, "--lic-credentials", file])
    assert "secret" not in str(told.value)


def test_a_licence_that_is_not_there_is_refused(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="unable to open the license credentials file"):
        parse([*words, f"--lic-credentials={tmp_path}/none"])


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
