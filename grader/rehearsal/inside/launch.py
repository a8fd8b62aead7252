"""The first program inside a sandbox: gives up what is left of privileges, sets the limits, and becomes the server.

Run as ``PYTHON -I -S launch.py CONTROL LISTENER [guard]``, where both are numbers of descriptors (``-`` for no listener).
What to do comes over CONTROL, a socket: eight digits that give a length, then as many bytes, fields that end in NUL.
Says there ``ready`` or one sentence on what stands in the way, waits for a byte, and only then are the commands
of the student's side begun. Whatever happens before that byte is no doing of the student's.

With ``guard`` (where there is no sandbox) it stays, as the parent that every process left behind falls to, and ends them all.

Runs under any Python from 3.6, with the standard library alone; never imported by the grader. Kept small, for it is
compiled anew at every start.
"""

import _signal  # type: ignore[import-not-found] # all of it that is needed; the module above it brings a dozen others
import os
import resource
import sys


def _exactly(descriptor: int, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = os.read(descriptor, count - len(data))
        if not part:
            raise SystemExit(70)  # whoever started this is gone
        data += part
    return data


def _order(
    control: int,
) -> "tuple[int | None, list[list[bytes]], bytes, list[bytes], dict[bytes, bytes], bytes]":
    """What was sent: (uid or None, limits, folder, argv, environment, folder to remove)."""
    fields = iter(_exactly(control, int(_exactly(control, 8))).split(b"\0"))

    def several() -> "list[bytes]":
        return [next(fields) for _ in range(int(next(fields)))]

    uid = next(fields)
    limits = [pair.split(b"=") for pair in several()]
    folder = next(fields)
    command = several()
    variables = {name: value for name, _, value in (pair.partition(b"=") for pair in several())}
    return int(uid) if uid else None, limits, folder, command, variables, next(fields)


def _limit(name: str, wanted: int) -> None:
    """Set one limit, hard and soft; where the system allows less than is wanted, its own is kept."""
    which = getattr(resource, "RLIMIT_" + name, None)
    if which is None:
        return
    hard = resource.getrlimit(which)[1]
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(which, (value, value))


def _close_others(kept: "set[int]") -> None:
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in kept:
            try:
                os.close(int(name))
            except OSError:  # the one that the listing itself was read through
                pass


def _guard(command: "list[bytes]", variables: "dict[bytes, bytes]", listener: bool, doomed: bytes) -> None:
    """Run the command as a child, and end every process that comes of it when it ends or the grader does."""

    def asked_to_end(_number: int, _frame: object) -> None:
        raise SystemExit(143)

    try:
        import ctypes

        kernel = ctypes.CDLL(None)
        kernel.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
        kernel.prctl(1, _signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG
    except (ImportError, OSError, AttributeError):
        pass  # what leaves the group is then out of reach
    _signal.signal(_signal.SIGTERM, asked_to_end)
    parent = os.getppid()
    code = 143
    try:
        child = os.fork()
        if child == 0:
            _signal.signal(_signal.SIGTERM, _signal.SIG_DFL)
            _become(command, variables)
        if listener:
            os.close(3)
        while True:
            gone, status = os.wait()
            if gone == child:
                code = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
                break
    finally:
        _signal.signal(_signal.SIGTERM, _signal.SIG_IGN)
        _end_all()
        if os.getppid() != parent and doomed:
            import shutil

            shutil.rmtree(doomed, ignore_errors=True)
    os._exit(code)


def _end_all() -> None:
    me = os.getpid()
    while True:
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open("/proc/" + name + "/stat", "rb") as stat:
                        parent = int(stat.read().rpartition(b")")[2].split()[1])
                    if parent == me:
                        os.kill(int(name), 9)
                except (OSError, ValueError, IndexError):
                    pass
        try:
            os.waitpid(-1, 0)  # their children fall to this process, and are ended next
        except ChildProcessError:
            return


def _become(command: "list[bytes]", variables: "dict[bytes, bytes]") -> None:
    try:
        os.execve(command[0], command, variables)  # noqa: S606
    except OSError as problem:
        os.write(2, os.fsencode("%s: %s\n" % (os.fsdecode(command[0]), problem.strerror)))
    os._exit(127)


def main() -> None:
    control = int(sys.argv[1])
    listener = None if sys.argv[2] == "-" else int(sys.argv[2])
    uid, limits, folder, command, variables, doomed = _order(control)
    try:
        if listener is not None and listener != 3:
            if control == 3:
                control = os.dup(control)
            os.dup2(listener, 3)
        elif listener is not None:
            os.set_inheritable(3, True)
        os.set_inheritable(control, False)
        _close_others({0, 1, 2, control} | ({3} if listener is not None else set()))
        try:
            with open("/proc/self/oom_score_adj", "w") as score:
                score.write("1000")  # should the machine itself run out of memory, this goes first
        except OSError:
            pass
        for ignored in (_signal.SIGPIPE, _signal.SIGXFSZ):  # by this interpreter, and it would be inherited
            _signal.signal(ignored, _signal.SIG_DFL)
        os.umask(0o022)
        for name, value in limits:
            _limit(name.decode(), int(value))
        if uid is not None:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        os.chdir(folder)
        if not os.access(command[0], os.X_OK):
            raise OSError("%s cannot be run there" % os.fsdecode(command[0]))
    except (OSError, ValueError) as problem:
        os.write(control, b"trouble " + os.fsencode(str(problem))[:500])
        raise SystemExit(70)  # noqa: B904
    os.write(control, b"ready")
    _exactly(control, 1)
    os.close(control)
    if len(sys.argv) > 3:
        _guard(command, variables, listener is not None, doomed)
    _become(command, variables)


main()
