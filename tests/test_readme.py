"""What README and docs show is true: their commands run, their answers are the ones printed, their links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import pytest

from tests.calls import ROOT, fixture_files, write
from tests.pages import Command, blocks_of, commands_of, links_of
from tests.servers import git, repository, served

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
URL = "https://github.com/USER/REPOSITORY"

# Commands that are not run here, by how they begin, and why.
NOT_HERE = {
    "python3 -m venv ": "makes an environment; .ci/run runs this very text in a clean clone",
    ".venv/bin/": "of that environment; .ci/run runs the same",
}
COMMANDS = [command for page in PAGES for command in commands_of(page)]
OURS = [command for command in COMMANDS if command.text.startswith("grade ")]


def test_every_command_is_run_or_has_a_reason() -> None:
    assert len(OURS) >= 12
    for command in COMMANDS:
        known = command in OURS or any(command.text.startswith(start) for start in NOT_HERE)
        assert known, f"{command.page}:{command.line}: {command.text}"
    for start in NOT_HERE:
        assert any(command.text.startswith(start) for command in COMMANDS), f"nothing begins with {start}"


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The repository that pages call USER/REPOSITORY, here."""
    home = tmp_path_factory.mktemp("remote")
    work = repository(home / "work", fixture_files("aws-sklearnmodel-complete"))
    git(work, "tag", "v1.0")
    served(work, home / "REPOSITORY")
    return f"file://{home}/REPOSITORY"


def staged(home: Path, command: Command, remote: str) -> Path:
    """A working folder as the page supposes it: its own files, work that was handed in, a student's folder."""
    (page,) = [page for page in PAGES if page.name == command.page]
    if command.text.startswith(("grade fixtures/", "grade rehearse fixtures/")):
        return ROOT
    files = fixture_files("aws-sklearnmodel-complete")
    work = write(home / "work", files)
    for name in ("handed_in", "submissions"):
        (work / name).mkdir()
        with zipfile.ZipFile(work / name / "ada.zip", "w") as archive:
            for path, content in files.items():
                archive.writestr(path, content)
    for block in blocks_of(page):
        text = block.text.replace(URL, remote)
        if block.file:
            write(work, {block.file: text})
        elif block.language == "yaml" and "- submission:" in text:
            write(work, {"marks.yaml": text})
    if "wrong.yaml" in command.text:
        lines = (work / "my-lab.yaml").read_text(encoding="utf-8").splitlines()
        lines.remove("choose: best")
        assert lines[7:9] == ["      - check: folder.present", "        points: 10"]
        lines[7:] = ["      - check: folder.presnt", "        pionts: 10"]
        write(work, {"wrong.yaml": "\n".join(lines)})
    return work


def marked(command: Command) -> object:
    """A rehearsal whose answer a page prints needs the very Python that is declared: slow tier."""
    slow = bool(command.printed) and command.text.startswith("grade rehearse")
    name = f"{command.page}:{command.line}"
    return pytest.param(command, id=name, marks=[pytest.mark.slow] if slow else [])


@pytest.mark.parametrize("command", [marked(command) for command in OURS])
def test_a_command_does_what_the_page_says(command: Command, remote: str, tmp_path: Path) -> None:
    place = staged(tmp_path, command, remote)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "PYTHONIOENCODING")}
    # No page's endpoint is asked with the credentials of whoever runs the tests.
    environment = {k: v for k, v in environment.items() if not k.startswith(("AWS_", "GOOGLE_"))}
    nothing = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    environment |= {
        **nothing,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CLOUDSDK_CONFIG": str(tmp_path),
        "NO_GCE_CHECK": "true",
    }
    done = subprocess.run(
        ["bash", "-c", command.text.replace(URL, remote)],
        cwd=place,
        env={**environment, "PATH": path, "PYTHONUTF8": "1", "TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == (2 if "wrong.yaml" in command.text else 0), done.stdout
    assert "grade: " not in done.stdout or "wrong.yaml" in command.text or "marks.yaml" in command.text, (
        done.stdout
    )
    if command.printed:
        timeless = re.sub(r"\n\nfetch [^\n]*\n\Z", "\n", done.stdout)
        # Which patch of a Python is at hand differs from machine to machine.
        patch = re.compile(r"\b(3\.\d+)\.\d+\b")
        assert patch.sub(r"\1", timeless).splitlines() == [patch.sub(r"\1", line) for line in command.printed]


def make_readme() -> ModuleType:
    from importlib.util import module_from_spec, spec_from_file_location

    specification = spec_from_file_location("make_readme", ROOT / "tools" / "make_readme.py")
    assert specification
    assert specification.loader
    module = module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_report_in_the_readme_is_what_is_printed() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- report -->\n(.*?)<!-- end -->", text, re.DOTALL)
    assert shown
    assert shown[1] == make_readme().block(), "run: python tools/make_readme.py"
    for word in ("pass", "partial", "review", "Hint:"):
        assert word in shown[1]


def anchors(page: Path) -> set[str]:
    """The headings of a page as their links write them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in links_of(page):
        path, _, anchor = unquote(target).partition("#")
        if re.match(r"[a-z]+:", path):
            assert path.startswith("https://"), target
            continue
        found = page.parent / path if path else page
        assert found.exists(), target
        assert found.resolve().is_relative_to(ROOT.resolve()), target
        if anchor:
            assert anchor in anchors(found), target
