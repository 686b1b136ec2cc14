"""The page of a comparison in a real browser, where there is one."""

import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from seqdrop.domain.comparison.pages.comparison import page
from seqdrop.domain.comparison.report import Report, Side, Verdict
from tests.unit.test_comparison_page import report

BROWSER = shutil.which("chromium")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
MEASURE = (
    "<script>document.body.dataset.widths ="
    " [document.documentElement.scrollWidth, innerWidth].join(' ')</script></body>"
)
IDENTICAL = Report(Verdict.IDENTICAL, "All is the same.", Side("a", "s"), Side("b", "s"))
LONG = report("a name without any blank to break it at ".replace(" ", "_") * 4)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="chromium is not on PATH")


def browse(folder: Path, html: str, *flags: str) -> str:
    """What the browser prints for a page."""
    file = folder / "page.html"
    file.write_text(html, "utf-8")
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={folder / 'profile'}", *flags, file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


@pytest.mark.parametrize("given", [IDENTICAL, report()], ids=["identical", "different"])
def test_a_browser_draws_the_page(given: Report, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    browse(tmp_path, page(given), f"--screenshot={picture}", "--window-size=1200,1600")
    data = picture.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">2I", data[16:24]) == (1200, 1600)
    assert len(data) > 20_000  # a blank one has less than half of it


def test_a_browser_has_nothing_to_mend(tmp_path: Path) -> None:
    """What it read is what was written: it moved no element, and closed none by itself."""
    html = page(report())
    read = browse(tmp_path, html, "--dump-dom")
    tags = re.compile(r"<(/?\w+)")
    assert tags.findall(read) == tags.findall(html)


@pytest.mark.parametrize("width", [500, 1200])
def test_the_page_never_scrolls_sideways(width: int, tmp_path: Path) -> None:
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page(LONG))
    measured = html.replace("</body>", MEASURE)
    read = browse(tmp_path, measured, "--dump-dom", f"--window-size={width},1000")
    found = re.search(r'data-widths="(\d+) (\d+)"', read)
    assert found and int(found[1]) <= int(found[2]) == width
