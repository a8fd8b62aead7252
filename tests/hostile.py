"""Submissions that try to crash the grader, hang it, mislead it or reach out of it, each made in a folder of its own.

A maker gets the folder, which already holds a complete AWS deployment, and a canary: a path that whatever the
submission could get to run would create. It gives back what has to hold: see :class:`Case`.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import shutil
import socket
import struct
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.calls import write
from tests.made import bomb, hostile_pickle
from tests.servers import CLEAN, git

Maker = Callable[[Path, Path], Mapping[str, str]]


@dataclass(frozen=True)
class Case:
    """``answers``: the statuses that are allowed, by check. ``unread``: paths that have to be told as unread."""

    name: str
    make: Maker
    unread: tuple[str, ...] = ()
    hidden: tuple[str, ...] = field(default=())


CASES: list[Case] = []


def case(*unread: str, hidden: tuple[str, ...] = ()) -> Callable[[Maker], Maker]:
    """Add a maker to the table; ``hidden`` are texts that no report may hold."""

    def add(make: Maker) -> Maker:
        CASES.append(Case(make.__name__.replace("_", "-"), make, unread, hidden))
        return make

    return add


@contextmanager
def at(folder: Path) -> Iterator[None]:
    """Inside, ``folder`` is the working folder: a path may be longer there than one from the root."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def notebook(*sources: str) -> str:
    """A notebook of code cells."""
    cells: list[dict[str, object]] = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
        for source in sources
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


README = "aws_deploy/README.md"
SCRIPT = "aws_deploy/inference.py"
LOADS = "import joblib, os\n\n\ndef model_fn(model_dir):\n    return joblib.load(os.path.join(model_dir, 'model.joblib'))\n"
NEVER_FAIL = "pass review"
TOO_DEEP = "fail review"  # no Python 3 parses it either

# Sizes ------------------------------------------------------------------------------------------------------------


@case(".")
def files_without_end(folder: Path, canary: Path) -> Mapping[str, str]:
    # Whatever the order of listing, a part of the deployment may be beyond the bound: nothing is missing for that.
    for number in range(25_000):
        (folder / f"a{number:05}.txt").touch()
    return {"folder.present": NEVER_FAIL, "readme.present": "pass review skipped"}


@case(".")
def a_listing_cut_before_the_folder(folder: Path, canary: Path) -> Mapping[str, str]:
    (folder / "aws_deploy").rename(folder / "zzz_other")
    for number in range(21_000):
        (folder / f"a{number:05}.txt").touch()
    return {"folder.present": "review"}


@case()
def folders_without_end(folder: Path, canary: Path) -> Mapping[str, str]:
    deep = folder
    for _ in range(60):
        deep /= "d"
    deep.mkdir(parents=True)
    write(deep, {"aws_deploy/README.md": "# Below\n", "train.py": "x = 1\n"})
    return {"folder.present": "pass"}


@case("OnlinePredictionWithScikitLearnInCMLE.ipynb")
def a_notebook_of_forty_megabytes(folder: Path, canary: Path) -> Mapping[str, str]:
    shutil.rmtree(folder / "tutorials" / "gcp")
    text = notebook(
        "!gcloud ai-platform versions create v1 --runtime-version 1.4", "x = 1 # " + "y" * 40_000_000
    )
    (folder / "OnlinePredictionWithScikitLearnInCMLE.ipynb").write_text(text, encoding="utf-8")
    return {"tutorial.as-matrix": "review", "tutorial.runtime-version": "review"}


@case()
def notebooks_of_tiny_cells(folder: Path, canary: Path) -> Mapping[str, str]:
    write(folder, {"cells.ipynb": notebook(*["x = 1"] * 60_000)})
    return {"aws.model-fn": "pass"}


@case("aws_deploy/model.tar.gz")
def an_archive_that_unpacks_without_end(folder: Path, canary: Path) -> Mapping[str, str]:
    bomb(folder / "aws_deploy" / "model.tar.gz", member="model.joblib", gigabytes=3)
    return {"model.safe": "review", "aws.model-fn-loads": "review"}


@case()
def a_zip_within_a_zip(folder: Path, canary: Path) -> Mapping[str, str]:
    inner = b"\0" * 20_000_000
    for _ in range(5):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(12):
                archive.writestr(f"model{number}.zip", inner)
        inner = made.getvalue()
    write(folder, {"aws_deploy/models.zip": inner})
    return {"folder.present": "pass"}


@case()
def archives_of_many_members(folder: Path, canary: Path) -> Mapping[str, str]:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", compresslevel=1) as archive:
        for number in range(60_000):
            archive.addfile(tarfile.TarInfo(f"member{number}"))
    write(folder, {"aws_deploy/other.tar.gz": made.getvalue()})
    return {"folder.present": "pass"}


@case()
def pictures_that_are_bombs_or_broken(folder: Path, canary: Path) -> Mapping[str, str]:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 6, 0, 0, 0))
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * 50_000_000))
    data = chunk(b"IDAT", zlib.compress(b"\0" * 10_000_000))
    whole = b"\x89PNG\r\n\x1a\n" + head + text + data + chunk(b"IEND", b"")
    right = (folder / "aws_deploy" / "prediction.png").read_bytes()
    write(folder, {"aws_deploy/prediction.png": whole, "aws_deploy/cut.png": right[: len(right) // 2]})
    svg = '<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(10)
    )
    write(folder, {"aws_deploy/plot.svg": svg + "]><svg>&k;</svg>", "aws_deploy/empty.gif": b"GIF89a"})
    return {"evidence.screenshot": "review"}


# Reaching out -----------------------------------------------------------------------------------------------------


@case(
    "aws_deploy/README.md",
    "aws_deploy/inference.py",
    "loop",
    "away",
    hidden=("zanzibar-in-the-environment", "root:x:"),
)
def links_out_and_around(folder: Path, canary: Path) -> Mapping[str, str]:
    for name, target in ((README, "/etc/passwd"), (SCRIPT, "/proc/self/environ")):
        (folder / name).unlink()
        (folder / name).symlink_to(target)
    (folder / "loop").symlink_to(".")
    (folder / "loop2").symlink_to("loop2")
    (folder / "away").symlink_to("/")
    (folder / "aws_deploy" / "zero.png").symlink_to("/dev/zero")
    return {"readme.present": "fail review partial", "aws.model-fn": "fail review skipped partial"}


@case("pipe.ipynb", "aws_deploy/pipe.py")
def pipes_and_sockets(folder: Path, canary: Path) -> Mapping[str, str]:
    for name in ("pipe.ipynb", "aws_deploy/pipe.py", "aws_deploy/pipe.png"):
        os.mkfifo(folder / name)
    with at(folder / "aws_deploy"), socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.pkl")
    (folder / "aws_deploy" / "shut.py").write_text("x = 1\n", encoding="utf-8")
    (folder / "aws_deploy" / "shut.py").chmod(0)
    return {"aws.model-fn": "pass"}


@case()
def a_git_folder_that_names_commands(folder: Path, canary: Path) -> Mapping[str, str]:
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--message", "The lab")
    run = canary.parent / "run.sh"
    run.write_text(f"#!/bin/sh\ntouch '{canary}'\n", encoding="utf-8")
    run.chmod(0o755)
    for hook in (folder / ".git" / "hooks").iterdir():
        hook.unlink()
    for name in (
        "post-checkout",
        "pre-commit",
        "post-index-change",
        "fsmonitor-watchman",
        "reference-transaction",
    ):
        (folder / ".git" / "hooks" / name).write_bytes(run.read_bytes())
        (folder / ".git" / "hooks" / name).chmod(0o755)
    settings = {
        "core.fsmonitor": run,
        "core.sshCommand": run,
        "core.pager": run,
        "core.editor": run,
        "core.askPass": run,
        "core.alternateRefsCommand": run,
        "diff.external": run,
        "gpg.program": run,
        "log.showSignature": "true",
        "filter.x.clean": run,
        "filter.x.smudge": run,
        "filter.x.process": run,
        "credential.helper": f"!{run}",
        "remote.origin.url": f"ext::{run}",
        "remote.origin.promisor": "true",
        "remote.origin.uploadpack": run,
        "remote.origin.partialCloneFilter": "blob:none",
        "protocol.ext.allow": "always",
        "uploadpack.packObjectsHook": run,
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "core.worktree": "/etc",
        "include.path": "/etc/passwd",
    }
    for key, value in settings.items():
        subprocess.run(
            ["git", "config", "--file", str(folder / ".git" / "config"), key, str(value)],
            check=True,
            env=CLEAN,
        )
    write(
        folder,
        {".gitattributes": "* filter=x diff=x\n", ".git/objects/info/alternates": "/etc\n../../../..\n"},
    )
    blob = next(p for p in (folder / ".git" / "objects").glob("??/*") if p.is_file())
    blob.chmod(0o644)
    blob.unlink()  # what is missing would be asked of the promisor
    (folder / ".gitmodules").write_text(
        f'[submodule "a"]\n\tpath = a\n\turl = ext::{run}\n', encoding="utf-8"
    )
    return {"folder.present": "pass", "aws.model-fn": "pass"}


@case()
def modules_named_as_ours(folder: Path, canary: Path) -> Mapping[str, str]:
    code = f"open({str(canary)!r}, 'a').write(__name__)\nraise SystemExit(9)\n"
    names = (
        "sitecustomize",
        "usercustomize",
        "yaml",
        "conftest",
        "setup",
        "grader",
        "json",
        "PIL",
        "rich",
        "git",
        "joblib",
    )
    write(folder, {f"{home}{name}.py": code for name in names for home in ("", "aws_deploy/")})
    write(
        folder,
        {
            "pyproject.toml": '[tool.grader]\nfail-under = 0\n[project.entry-points."grader.checks"]\nx = "yaml"\n',
            "rubric.yaml": "rubric: mine\nchecks: [yaml.py]\n",
            "rubrics/cloud-deploy-lab.yaml": "rubric: mine\nchecks: [yaml.py]\n",
            ".graderc": "--rubric rubric.yaml\n",
            "marks.yaml": "- {submission: ., item: evidence.screenshot, status: pass}\n",
            "x.pth": f"import os; os.system('touch {canary}')\n",
            ".git": f"gitdir: {canary.parent}\n",
        },
    )
    return {"evidence.screenshot": "review", "folder.present": "pass"}


@case()
def pickles_that_would_run(folder: Path, canary: Path) -> Mapping[str, str]:
    home = folder / "aws_deploy"
    hostile_pickle(home / "model.joblib", module="os", name="system", argument=f"touch {canary}")
    raw = (home / "model.joblib").read_bytes()
    inner = b"\x80\x02cpickle\nloads\n" + b"(C" + bytes([len(raw)]) + raw + b"tR." if len(raw) < 256 else raw
    write(home, {"zlib.joblib": zlib.compress(raw), "nested.pkl": inner})
    with tarfile.open(home / "model.tar.gz", "w:gz") as archive:
        archive.add(home / "model.joblib", "model.joblib")
    with zipfile.ZipFile(home / "torch.pt", "w") as packed:
        packed.writestr("archive/data.pkl", raw)
    return {"model.safe": "fail"}


@case()
def pickles_that_never_end(folder: Path, canary: Path) -> Mapping[str, str]:
    doubling = b"\x80\x02]" + b"2\x86" * 900_000 + b"."
    memo = b"\x80\x04" + b"".join(b"j" + struct.pack("<I", n) for n in range(100_000)) + b"."
    promised = b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"x"
    nested = b"(" * 1_000_000 + b"t" * 1_000_000 + b"."
    noise = pickle.dumps([random.Random(3).randbytes(50) for _ in range(20_000)])[:-400]
    files = {
        "doubling.pkl": doubling,
        "memo.pkl": memo,
        "promised.pkl": promised,
        "nested.pkl": nested,
        "cut.pkl": noise,
    }
    write(folder / "aws_deploy", files)
    return {"model.safe": "review", "aws.model-fn": "pass"}


# Misleading -------------------------------------------------------------------------------------------------------

MISCHIEF = (
    "\x1b[31mred\x1b]0;title\x07",
    "a\nb",
    "\u202eevil\u2066\u200f",
    "\x9b31m\x85",
    "[bold red]x[/] [link=http://evil.example]y[/link]",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![i](http:evil.example)",
    "[t](javascript:alert(1))",
    "| --- | `` ` `` |",
    "=cmd|' '!A0",
    "--help",
    "-rf",
    "&amp;&#x1b;",
    "@everyone #1 https:evil.example",
)


@case()
def names_and_texts_full_of_tricks(folder: Path, canary: Path) -> Mapping[str, str]:
    home = folder / "aws_deploy"
    (folder / README).unlink()
    (home / "prediction.png").unlink()
    for number, trick in enumerate(MISCHIEF):
        name = trick.replace("/", "\u2215")
        write(
            home,
            {f"{name}.png": b"\x89PNG", f"{name}.ipynb": "{", f"{name}.pkl": b"\x80\x02cos\nsystem\n(VtR."},
        )
        key = "AK" + "IA" + "Q7RW5TY3UI6OP2AS"
        write(
            folder,
            {f"{name}.txt": f"{trick} {key} {trick}\n", f"k{number}.py": f"x = y.as_matrix() # {trick}\n"},
        )
        write(folder, {f"{name} deploy_aws/README.md": trick})
    os.close(os.open(os.fsencode(home) + b"/\xff\xfe\x1b[2J.png", os.O_CREAT))
    os.close(os.open(os.fsencode(folder) + b"/\xff\xfe.ipynb", os.O_CREAT))
    pictures = "\n".join(f"![{trick}](<{trick}.png>)\n" for trick in MISCHIEF)
    write(folder, {README: "# " + "\n\n".join(MISCHIEF) + "\n\n" + pictures})
    write(folder, {"tricks.ipynb": notebook(*(f"# {t}\nx.as_matrix() # {t}" for t in MISCHIEF))})
    return {"evidence.screenshot": "review fail", "hygiene.secrets": "fail", "tutorial.as-matrix": "fail"}
