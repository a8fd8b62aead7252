"""bubblewrap: how it is called, and who runs inside.

An ordinary user is the only one mapped into the new user namespace. Root cannot be that one: limits on processes do not bind
it, and files of the system are its own. So as root the namespace holds two users: root, who lays out the mounts and runs
``launch.py`` up to where it becomes an unused number that owns nothing on the machine.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import signal
import stat
import subprocess
import time
from collections.abc import Iterable, Sequence
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from grader.rehearsal import seccomp
from grader.rehearsal.job import CODE, PROGRAMS, SCRATCH, WRITABLE, NoSandbox
from grader.text import excerpt

INSIDE_UID = 1000
"""User and group inside, whoever that is outside."""

PATIENCE = 15.0
"""Seconds that setting up may take."""

_SYSTEM = (
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libx32",
    "/usr/libexec",
    "/usr/share/zoneinfo",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/nix/store",
)
# Users, groups and host names of the machine are nobody's business inside; some libraries want to find any.
_OWN = ("passwd", "group", "hosts", "nsswitch.conf")


class Sandbox(NamedTuple):
    """A bubblewrap that was seen to work here. ``drops``: the grader is root, and the command runs as another user."""

    program: str
    drops: bool


class Started(NamedTuple):
    """A bubblewrap that has been started: ``pid`` is the first process inside, by its number outside."""

    process: subprocess.Popen[bytes]
    pid: int


def is_everybodys_root() -> bool:
    """Whether user 0 here is, as far as can be seen, user 0 of the machine, whom limits on processes do not bind."""
    for start, outside, _ in _mapped("uid"):
        if start == 0:
            return outside == 0
    return True


def _mapped(kind: str) -> list[tuple[int, int, int]]:
    """The ranges of user or group numbers that exist here: (first, what that is outside, how many)."""
    ranges = []
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/self/{kind}_map").read_text(encoding="ascii").splitlines():
            first, outside, count = line.split()
            ranges.append((int(first), int(outside), int(count)))
    return ranges


def unused_number() -> int:
    """A user and group number that nobody has: of the high ones that no system hands out, where there are so many."""
    taken = set()
    with os.scandir("/proc") as entries:
        for entry in entries:
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    taken.add(entry.stat().st_uid)
    groups = _mapped("gid")
    for first, _, count in sorted(_mapped("uid"), key=lambda one: -one[2]):
        top = first + count
        start, end = (
            (0x70000000, 0x70100000) if top > 0x70100000 else (max(first, top - 10_000, 1), min(top, 65_000))
        )
        for _ in range(20):
            number = random.randrange(start, end) if end > start else 0  # noqa: S311 - nothing hangs on its being guessed
            if number and number not in taken and any(a <= number < a + n for a, _, n in groups):
                return number
    raise NoSandbox(
        "As root a rehearsal runs as another user, and here is no other; start the grader as an ordinary user, or in a "
        "container that has more than one."
    )


def _mounts(readable: Iterable[tuple[Path, str]]) -> tuple[list[str], list[str]]:
    """Arguments for what is shown, in an order in which nothing hides what came before; and the paths it comes from."""
    system: list[str] = []
    shown = dict[str, str]()
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink() and len(path.parts) == 2:
            system += ["--symlink", str(path.readlink()), name]
        elif path.exists():
            shown[name] = os.path.realpath(path)
    for name in _OWN:
        shown[f"/etc/{name}"] = str(PROGRAMS / "etc" / name)
    shown[CODE] = str(PROGRAMS)
    for outside, inside in readable:
        if not inside.startswith("/") or os.path.normpath(inside) != inside:
            raise ValueError(f"{inside!r} is no absolute, plain path")
        if any(_within(inside, kept) or _within(kept, inside) for kept in (SCRATCH, "/proc", "/dev", CODE)):
            raise ValueError(f"{inside!r} is kept for the sandbox's own")
        shown[inside] = os.path.realpath(outside)
    # Shallow ones first, that none hides another; folders on the way are open to everybody, which bubblewrap's own are not.
    on_the_way = {str(parent) for inside in shown for parent in Path(inside).parents} - {"/", *WRITABLE}
    for folder in sorted(on_the_way, key=lambda one: (one.count("/"), one)):
        if not any(_within(folder, inside) for inside in shown):
            system += ["--perms", "0755", "--dir", folder]
    for inside in sorted(shown, key=lambda one: (one.count("/"), one)):
        system += ["--ro-bind", shown[inside], inside]
    return system, list(shown.values())


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _arguments(
    sandbox: Sandbox,
    mounts: Sequence[str],
    scratch_bytes: int,
    seccomp_at: int | None,
    info: int,
    block: int | None,
) -> list[str]:
    size = str(scratch_bytes)
    arguments = ["--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    arguments += ["--unshare-cgroup-try", "--hostname", "rehearsal", "--new-session", "--die-with-parent"]
    arguments += ["--clearenv", "--cap-drop", "ALL"]
    if sandbox.drops:
        arguments += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        arguments += ["--uid", str(INSIDE_UID), "--gid", str(INSIDE_UID)]
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    for folder in WRITABLE:  # before what is shown, which may lie in /tmp
        arguments += ["--perms", "1777", "--size", size, "--tmpfs", folder]
    arguments += ["--remount-ro", "/dev", *mounts]
    arguments += ["--remount-ro", "/", "--chdir", "/", "--info-fd", str(info)]
    if block is not None:
        arguments += ["--userns-block-fd", str(block)]
    if seccomp_at is not None:
        arguments += ["--seccomp", str(seccomp_at)]
    return arguments


def spawn(
    sandbox: Sandbox,
    *,
    readable: Iterable[tuple[Path, str]],
    scratch_bytes: int,
    command: Sequence[str],
    passed: Sequence[int],
    stdin: int,
    output: int,
    errors: int,
) -> Started:
    """Start ``command`` inside. Descriptors in ``passed`` go in under their numbers; ``errors`` is the reading end of ``output``.

    The process that calls this has to outlive it: when the calling thread ends, so does the sandbox.

    Raises:
        NoSandbox: bubblewrap ended before it had anything inside.
        ValueError: ``readable`` names a place that is the sandbox's own.
    """
    mounts, sources = _mounts(readable)
    number = unused_number() if sandbox.drops else None
    if number is not None:
        _readable_for_others([*readable, (PROGRAMS, CODE)])
    program = seccomp.program(os.uname().machine)
    with contextlib.ExitStack() as ours:
        filter_at = _holding(program, ours) if program else None
        info_read, info_write = _pipe(ours)
        block_read, block_write = _pipe(ours)
        block_at = block_read.fileno() if number is not None else None
        arguments = _arguments(sandbox, mounts, scratch_bytes, filter_at, info_write.fileno(), block_at)
        arguments_at = _holding(b"".join(os.fsencode(word) + b"\0" for word in arguments), ours)
        theirs = [at for at in (filter_at, info_write.fileno(), block_at, arguments_at) if at is not None]
        process = subprocess.Popen(
            [sandbox.program, "--args", str(arguments_at), "--", *command],
            stdin=stdin,
            stdout=output,
            stderr=output,
            pass_fds=(*theirs, *passed),
            env={},  # bubblewrap's own stays readable inside, at /proc/1/environ
            cwd="/",
            start_new_session=True,
        )
        pid: int | None = None
        try:
            info_write.close()
            pid = _child(info_read.fileno())
            if pid is None:
                process.wait(PATIENCE)
                raise NoSandbox(
                    f"bubblewrap did not start: {said_so_far(errors) or f'code {process.returncode}'}."
                )
            if number is not None:
                _map(pid, number, sources)
                block_write.write(b"1")
        except BaseException:
            if pid is not None:
                # It dies with bubblewrap only from when it was let go on; until then it would wait for ever.
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            process.kill()
            process.wait()
            raise
    return Started(process, pid)


def _pipe(ours: contextlib.ExitStack) -> tuple[FileIO, FileIO]:
    read, write = os.pipe()
    return ours.enter_context(FileIO(read, "r")), ours.enter_context(FileIO(write, "w"))


def _holding(data: bytes, ours: contextlib.ExitStack) -> int:
    """A descriptor from which ``data`` can be read."""
    held = ours.enter_context(FileIO(os.memfd_create("arguments"), "r+"))
    view = memoryview(data)
    while view:
        view = view[held.write(view) :]
    held.seek(0)
    return held.fileno()


def _child(info: int) -> int | None:
    """The first process inside, as bubblewrap tells it; None when it ended before that."""
    said, end = b"", time.monotonic() + PATIENCE
    poll = select.poll()
    poll.register(info, select.POLLIN)
    while not said.rstrip().endswith(b"}"):
        if not poll.poll(max(0.0, end - time.monotonic()) * 1000):
            return None
        part = os.read(info, 4096)
        if not part:
            return None
        said += part
    pid = json.loads(said)["child-pid"]
    return int(pid)


def _map(pid: int, number: int, sources: Iterable[str]) -> None:
    """Say which users exist inside: root, ``number``, and the owners of folders on the way to what is shown."""
    users, groups = {0: 0, INSIDE_UID: number}, {0: 0, INSIDE_UID: number}
    for index, (user, group) in enumerate(sorted(_closed_owners(sources))[:100]):
        if user not in users.values():
            users[100_000 + index] = user
        if group not in groups.values():
            groups[100_000 + index] = group
    for kind, ids in (("uid", users), ("gid", groups)):
        lines = "".join(f"{inside} {outside} 1\n" for inside, outside in ids.items())
        Path(f"/proc/{pid}/{kind}_map").write_text(lines, encoding="ascii")


def _closed_owners(sources: Iterable[str]) -> set[tuple[int, int]]:
    """Owners of folders above ``sources`` that only they may pass: root passes where they exist inside as well."""
    owners, seen = set(), set[Path]()
    for source in sources:
        for path in (Path(source), *Path(source).parents):
            if path in seen:
                break
            seen.add(path)
            with contextlib.suppress(OSError):
                status = path.stat()
                if not status.st_mode & stat.S_IXOTH and status.st_uid != 0:
                    owners.add((status.st_uid, status.st_gid))
    return owners


def _readable_for_others(readable: Iterable[tuple[Path, str]]) -> None:
    for outside, _ in readable:
        try:
            mode = Path(outside).stat().st_mode
        except OSError as problem:
            raise NoSandbox(f"{outside} cannot be shown in the sandbox: {problem.strerror}.") from None
        wanted = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) else 0)
        if mode & wanted != wanted:
            raise NoSandbox(
                f"As root a rehearsal runs as another user, who cannot read {outside}; allow it: chmod -R o+rX {outside}"
            )


def said_so_far(descriptor: int) -> str:
    """What was written to a pipe so far, as one line."""
    os.set_blocking(descriptor, False)
    with contextlib.suppress(BlockingIOError):
        return excerpt(" ".join(os.read(descriptor, 4096).decode("utf-8", "replace").split()), 300)
    return ""
