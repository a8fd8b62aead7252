"""What runs in a sandbox, or without one: started, watched, ended, all by a thread of its own."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from typing import Final

from grader.rehearsal import bubblewrap, plain
from grader.rehearsal.bubblewrap import INSIDE_UID, PATIENCE, Sandbox
from grader.rehearsal.job import CODE, PROGRAMS, SCRATCH, Bounds, Ending, Job, Limit, NoSandbox, Usage
from grader.rehearsal.watch import Seen, View, wait_empty
from grader.text import excerpt, visible

_LOOK: Final = 0.05  # seconds between two looks
_CLOSE_LOOK: Final = 0.01  # where memory is filling
_TAIL: Final = 64_000  # bytes of the output that are kept
_BASE: Final = {
    "HOME": SCRATCH,
    "TMPDIR": SCRATCH,
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    # One thread in every library for linear algebra: the same sums in the same order, and no fight for cores.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BLIS_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
}


class Running:
    """What has been started. A context manager; leaving it ends everything, and leaves no process and no file."""

    def __init__(self, job: Job, bounds: Bounds, sandbox: Sandbox | None) -> None:
        self._bounds = bounds
        self._sandbox = sandbox
        self._scratch = None if sandbox else tempfile.mkdtemp(prefix="grade-rehearsal-")
        self._job = job if self._scratch is None else plain.real(job, self._scratch)
        self._inside = job
        self._tail = bytearray()
        self._printed = 0
        self._peak = Usage()
        self._reached: set[str] = set()
        self._ending: Ending | None = None
        self._failure: Exception | None = None
        self._began = time.monotonic()
        self._wake_read, self._wake = os.pipe()
        self._first: int | None = None  # the first process inside
        self._closed = False
        self._started = threading.Event()
        # What dies with its parent dies with the thread that started it: so that is one of its own.
        self._thread = threading.Thread(target=self._live, name="rehearsal", daemon=True)
        self._thread.start()
        try:
            self._started.wait()
        except BaseException:  # a signal: nobody will ever hold this
            self.close()
            raise
        failure: Exception | None = self._failed()
        if failure is not None:
            self.close()
            raise failure

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ended(self) -> Ending | None:
        """How it ended, None while it runs. Never raises."""
        return self._ending

    def wait(self, seconds: float) -> Ending | None:
        """As :meth:`ended`, after waiting up to ``seconds`` for it."""
        self._thread.join(seconds)
        return self._ending

    def log(self) -> str:
        """The end of what was printed, control characters made visible but for line breaks and tabs."""
        return visible(bytes(self._tail).decode("utf-8", "replace"), keep="\n\t")

    def used(self) -> Usage:
        """What was taken so far, at most; looked at twenty times a second."""
        return (
            self._peak._replace(seconds=time.monotonic() - self._began)
            if self._ending is None
            else self._peak
        )

    def reached(self) -> tuple[str, ...]:
        """Bounds that were seen reached, though nothing was ended for it: what lies behind an error of the code's own.

        ``processes`` (no more could be started) and ``scratch`` (nothing more could be written).
        """
        return tuple(sorted(self._reached))

    def path(self, inside: str) -> str:
        """Where ``inside`` is for what runs: there, or without a sandbox the real path that it stands for."""
        return inside if self._scratch is None else plain.placed(self._inside, inside, self._scratch)

    def close(self) -> None:
        """End everything. May be called again."""
        if self._closed:
            return
        self._closed = True
        os.close(self._wake)
        self._thread.join()
        os.close(self._wake_read)
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _failed(self) -> Exception | None:
        return self._failure

    # What follows runs in the thread.

    def _live(self) -> None:
        """Start it, watch it, end it."""
        view: View | None = None
        process: subprocess.Popen[bytes] | None = None
        output, theirs = os.pipe()
        os.set_blocking(output, False)
        try:
            try:
                line, far = socket.socketpair()
                with line:
                    with far:
                        process, pid = self._spawn(far.fileno(), theirs, output)
                    os.close(theirs)
                    theirs = -1
                    view = self._launched(line, process, pid, output)
            except (NoSandbox, ValueError) as problem:
                self._failure = problem
            except (OSError, subprocess.SubprocessError) as problem:
                self._failure = NoSandbox(f"The sandbox could not be started: {problem}.")
            self._started.set()
            if self._failure is None and process is not None and view is not None:
                ending = self._watched(process, view, output)
                self._peak = self._peak._replace(seconds=time.monotonic() - self._began)
                left = self._end(process, view)
                self._drain(output)
                self._ending = left or ending
                process = None
        except Exception as problem:  # a defect of ours: it must not look like the student's
            self._failure = self._failure or problem
            self._ending = Ending(
                None, None, f"The sandbox failed: {type(problem).__name__}: {problem}.", ours=True
            )
        finally:
            if process is not None:
                self._end(process, view)
            if view is not None:
                view.close()
            for descriptor in (output, theirs, self._first):
                if descriptor is not None and descriptor >= 0:
                    os.close(descriptor)
            self._started.set()

    def _spawn(self, control: int, output: int, errors: int) -> tuple[subprocess.Popen[bytes], int]:
        job = self._job
        listener = "-" if job.listener is None else str(job.listener.fileno())
        passed = [control] if job.listener is None else [control, job.listener.fileno()]
        launcher = [job.command[0], "-I", "-S"]
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123
            if self._sandbox is None:
                launcher += [str(PROGRAMS / "launch.py"), str(control), listener, "guard"]
                guard = plain.spawn(launcher, passed=passed, stdin=nothing.fileno(), output=output)
                return guard, guard.pid
            launcher += [f"{CODE}/launch.py", str(control), listener]
            return bubblewrap.spawn(
                self._sandbox,
                readable=job.readable,
                scratch_bytes=self._bounds.scratch_bytes,
                command=launcher,
                passed=passed,
                stdin=nothing.fileno(),
                output=output,
                errors=errors,
            )

    def _launched(self, line: socket.socket, process: subprocess.Popen[bytes], pid: int, output: int) -> View:
        """Tell ``launch.py`` what to do, and let it go on once it can be watched."""
        line.settimeout(PATIENCE)
        try:
            line.sendall(self._order())
            said = line.recv(1000)
        except OSError:
            said = b""
        if said != b"ready":
            self._end(process, None)
            self._drain(output)
            told = excerpt(said.removeprefix(b"trouble ").decode("utf-8", "replace") or self.log(), 300)
            raise NoSandbox(
                f"Nothing could be started in the sandbox: {told or f'code {process.returncode}'}."
            )
        try:
            if self._sandbox is not None and hasattr(os, "pidfd_open"):
                with contextlib.suppress(OSError):  # before Linux 5.3
                    self._first = os.pidfd_open(pid)
            view = View(pid, sandboxed=self._sandbox is not None)
        except OSError as problem:
            self._end(process, None)
            raise NoSandbox(f"What runs in the sandbox cannot be watched from outside: {problem}.") from None
        self._began = time.monotonic()
        line.send(b"1")
        return view

    def _order(self) -> bytes:
        """What ``launch.py`` is told, in its own form."""
        job, bounds = self._job, self._bounds
        drops = self._sandbox is not None and self._sandbox.drops
        limits = {
            # Twice the memory: libraries take room that they never fill; what is filled is watched from outside.
            "AS": 2 * bounds.memory + (1 << 30),
            "CPU": int(bounds.cpu_seconds) + 2,
            "NPROC": bounds.processes + self._counted_besides(),
            "FSIZE": bounds.file_bytes,
            "NOFILE": bounds.open_files,
            "CORE": 0,
            "MSGQUEUE": 0,
            "MEMLOCK": 65536,
        }
        base = {name: self.path(value) if value == SCRATCH else value for name, value in _BASE.items()}
        variables = {**base, **job.variables}

        def several(words: list[str]) -> list[str]:
            return [str(len(words)), *words]

        fields = [
            str(INSIDE_UID) if drops else "",
            *several([f"{name}={value}" for name, value in limits.items()]),
            job.folder,
            *several(list(job.command)),
            *several([f"{name}={value}" for name, value in variables.items()]),
            self._scratch or "",
        ]
        if any("\0" in field for field in fields) or any("=" in name for name in variables):
            raise ValueError("a NUL in a command or variable, or a '=' in a variable's name")
        raw = b"".join(os.fsencode(field) + b"\0" for field in fields)
        return b"%08d" % len(raw) + raw

    def _counted_besides(self) -> int:
        """What the system counts towards a limit on processes, and is not the student's.

        Since Linux 5.14 it counts by user within a user namespace, before that by user of the machine.
        """
        if self._sandbox is None:
            return plain.already_running() + 1
        if self._sandbox.drops:
            return 0
        release = os.uname().release.split(".")
        recent = len(release) > 1 and (int(release[0]), int("0" + release[1][:2].strip("-+"))) >= (5, 14)
        return 1 if recent else plain.already_running() + 1

    def _watched(self, process: subprocess.Popen[bytes], view: View, output: int) -> Ending:
        """Wait until it ends, breaks a bound, or is to be closed."""
        bounds = self._bounds
        poll = select.poll()
        poll.register(output, select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        deadline = self._began + bounds.seconds
        next_look = 0.0
        seen = Seen(0, 0, 0.0)
        while True:
            now = time.monotonic()
            if now >= next_look:
                seen = view.look(bounds.memory)
                self._keep(seen)
                broken = self._broken(seen)
                if broken is not None:
                    return broken
                next_look = now + (_CLOSE_LOOK if seen.memory > bounds.memory // 2 else _LOOK)
            code = process.poll()
            if code is not None:
                return self._by_itself(code, seen)
            if now >= deadline:
                return _over("time", f"It took longer than the {bounds.seconds:g} s that it may.")
            wait = min(next_look, deadline) - time.monotonic()
            for descriptor, _ in poll.poll(max(wait, 0.0) * 1000):
                if descriptor == self._wake_read:
                    return Ending(None, None, "It was ended, its work being done.")
                if not self._drain(output):
                    poll.unregister(output)
            if self._printed > bounds.output_bytes:
                return _over("output", f"It printed more than the {bounds.output_bytes} bytes that it may.")

    def _keep(self, seen: Seen) -> None:
        peak = self._peak
        self._peak = Usage(
            max(peak.memory, seen.memory),
            max(peak.processes, seen.processes),
            max(peak.cpu_seconds, seen.cpu_seconds),
        )
        if seen.full:
            self._reached.add("scratch")
        if seen.processes >= self._bounds.processes:
            self._reached.add("processes")

    def _broken(self, seen: Seen) -> Ending | None:
        bounds = self._bounds
        if seen.memory > bounds.memory:
            return _over(
                "memory",
                f"It took more than the {bounds.memory // 1_000_000} MB of memory that it may, its scratch folders included.",
            )
        if seen.cpu_seconds > bounds.cpu_seconds:
            return _over(
                "cpu", f"It took more than the {bounds.cpu_seconds:g} s of processor time that it may."
            )
        if seen.processes > bounds.processes + 1:
            return _over(
                "processes", f"It started more than the {bounds.processes} processes and threads that it may."
            )
        return None

    def _by_itself(self, code: int, seen: Seen) -> Ending:
        """The ending of what ended without us. bubblewrap tells a signal as 128 more than its number."""
        bounds = self._bounds
        number = code - 128 if 128 < code <= 128 + 64 else -code if code < 0 else 0
        if number == signal.SIGXFSZ:
            return Ending(
                "file size",
                -number,
                f"It wrote a file of more than the {bounds.file_bytes} bytes that it may.",
            )
        if number in (signal.SIGXCPU, signal.SIGKILL) and seen.cpu_seconds > bounds.cpu_seconds - 0.5:
            return Ending(
                "cpu",
                -number,
                f"It took more than the {bounds.cpu_seconds:g} s of processor time that it may.",
            )
        if number:
            named = f"signal {number}"
            with contextlib.suppress(ValueError):
                named = signal.Signals(number).name
            return Ending(None, -number, f"It was ended by {named}.")
        return Ending(None, code, f"It ended by itself, with code {code}.")

    def _drain(self, output: int) -> bool:
        """Take what was printed; False when nothing more can come."""
        for _ in range(16):
            try:
                part = os.read(output, 65536)
            except BlockingIOError:
                return True
            if not part:
                return False
            self._printed += len(part)
            self._tail += part
            del self._tail[:-_TAIL]
        return True

    def _end(self, process: subprocess.Popen[bytes], view: View | None) -> Ending | None:
        """End every process; says so if one does not go."""
        if self._sandbox is not None:
            if self._first is not None:
                with contextlib.suppress(OSError):
                    signal.pidfd_send_signal(self._first, signal.SIGKILL)  # and with it all others inside
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(1)  # bubblewrap sees it, and ends
            process.kill()  # the first process inside dies with it, too
        else:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        if process.returncode is None or (view is not None and not wait_empty(view, 10)):
            return Ending(None, None, "A process of the rehearsal could not be ended.", ours=True)
        return None


def _over(limit: Limit, sentence: str) -> Ending:
    return Ending(limit, None, sentence)
