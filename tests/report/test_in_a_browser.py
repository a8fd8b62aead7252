"""The HTML report in a real browser: it shows what the model says, and nothing of a submission's acts in it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from report_samples import OPEN, report

from grader.report import formats

BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
    None,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        BROWSER is None, reason="no Chromium on this machine (.ci/run installs one where it may)"
    ),
]


def browse(page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    assert BROWSER is not None
    quiet = (
        *(
            "--headless",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
        ),
        *("--disable-component-update", "--disable-sync", f"--user-data-dir={page.parent / 'profile'}"),
        *(("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()),
    )
    return subprocess.run(
        [BROWSER, *quiet, *options, page.as_uri()], capture_output=True, text=True, timeout=120, check=False
    )


def written(folder: Path, text: str) -> Path:
    page = folder / "report.html"
    page.write_text(text, encoding="utf-8")
    return page


def test_the_page_shows_the_score_and_every_item(tmp_path: Path) -> None:
    found = report(OPEN)
    shown = browse(written(tmp_path, formats.render(found, "html")), "--dump-dom").stdout
    assert "38–63 of 100, 2 items to review" in shown
    assert OPEN.result is not None
    for item in OPEN.result.items:
        assert item.id in shown or item.status.value in ("pass", "not-applicable")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_has_a_picture_in_either_scheme(tmp_path: Path, scheme: str) -> None:
    from PIL import Image

    page = written(tmp_path, formats.render(report(OPEN), "html"))
    picture = tmp_path / "page.png"
    dark = ("--force-dark-mode", "--blink-settings=preferredColorScheme=0") if scheme == "dark" else ()
    browse(page, "--window-size=1000,1400", f"--screenshot={picture}", *dark)
    with Image.open(picture) as image:
        assert image.size == (1000, 1400)
        assert len(image.convert("RGB").resize((100, 140)).getcolors(20_000) or ()) > 30


def test_nothing_of_a_submission_acts(tmp_path: Path) -> None:
    attack = "</script><script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\"><b>bold</b>"
    assert OPEN.result is not None
    items = tuple(item._replace(message=attack, title=attack, hint=attack) for item in OPEN.result.items)
    hostile = report(OPEN._replace(source=attack, result=OPEN.result._replace(items=items)))
    shown = browse(
        written(tmp_path, formats.render(hostile, "html")), "--dump-dom", "--virtual-time-budget=2000"
    ).stdout
    assert "<title>ran</title>" not in shown
    assert "<script" not in shown
    assert "<img" not in shown
    assert "&lt;b&gt;bold" in shown
