"""Hostile code in the real sandbox, as root and as an ordinary user.

Each ends within its bounds, has touched nothing, and leaves nothing behind: ``sandboxed`` looks for processes, ``runner``
for descriptors and changed files, and the secret of whoever runs the grader is looked for in everything that comes out.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.rehearsal.sandboxed import CANARY, User, chosen, gone, marked, users

ATTACKS = Path(__file__).resolve().parent / "attacks"


@pytest.fixture(scope="module")
def everybody() -> Iterator[dict[str, User | str]]:
    with users() as found:
        yield found


@pytest.fixture(params=["root", "ordinary"])
def user(request: pytest.FixtureRequest, everybody: dict[str, User | str]) -> User:
    return chosen(everybody, request.param)


class Ends(NamedTuple):
    """How an attack has to end: ``limit`` among those given (None: it ends by itself, with ``code``)."""

    limits: tuple[str, ...] = ()
    code: int | None = None
    says: tuple[str, ...] = ("DONE",)
    bounds: dict[str, Any] = {}  # noqa: RUF012 - never changed
    reached: str | None = None


SMALL = {"memory": 150_000_000, "seconds": 20}
SPENT = {"seconds": 20, "cpu_seconds": 1.0}
QUICK = {
    "writing": Ends(code=0),
    "memory_one": Ends(("memory",), says=(), bounds=SMALL),
    "memory_many": Ends(("memory",), says=(), bounds=SMALL),
    "memory_shared": Ends(("memory",), says=(), bounds=SMALL),
    "memory_files": Ends(("memory",), says=(), bounds=SMALL),
    "sleep": Ends(("time",), says=(), bounds={"seconds": 0.5}),
    "output": Ends(("output",), says=("and on",), bounds={"output_bytes": 3_000_000}),
    "output_raw": Ends(("output",), says=("\\x1b]0;title\\x07",), bounds={"output_bytes": 3_000_000}),
    "bigfile": Ends(
        code=0,
        says=("sparse refused", "real refused", "DONE"),
        bounds={"file_bytes": 50_000_000, "scratch_bytes": 40_000_000},
        reached="scratch",
    ),
    "bigfile_deadly": Ends(("file size",), says=()),
    "killing": Ends(code=-signal.SIGKILL, says=("still here",)),
    "daemons": Ends(code=0),
    "others_memory": Ends(code=0),
    "mounting": Ends(code=0),
    "namespaces": Ends(code=0),
    "terminal": Ends(code=0),
    "forging": Ends(code=0, says=("rehearsal.predicts",)),
    "exit_at_once": Ends(code=0, says=()),
    "privileges": Ends(code=0, says=("NoNewPrivs: 1", "Uid: 1000", "node rehearsal")),
    "threadbomb": Ends(code=0, says=("refused", "DONE"), bounds={"processes": 20}, reached="processes"),
}
SLOW = {
    "forkbomb": Ends(("cpu",), says=(), bounds=SPENT, reached="processes"),
    "memory_hidden": Ends(
        ("memory",),
        says=("memfd refused", "shmget refused", "msgget refused", "semget refused"),
        bounds={"memory": 60_000_000, "seconds": 30},
    ),
    "memory_sockets": Ends(("memory",), says=(), bounds={"memory": 60_000_000, "seconds": 20}),
    "loop": Ends(("cpu",), says=(), bounds=SPENT),
    "loop_in_c": Ends(("cpu",), says=(), bounds=SPENT),
}


def attacked(user: User, name: str, ends: Ends) -> None:
    result = user.run(ATTACKS / f"{name}.py", bounds=ends.bounds)
    assert "REACHED" not in result.log, result.log
    assert CANARY not in result.log
    for text in ends.says:
        assert text in result.log, result
    assert not result.ours, result
    if ends.limits:
        assert result.limit in ends.limits, result
    else:
        assert (result.limit, result.code) == (None, ends.code), result
    assert len(result.log) < 300_000
    assert "\x1b" not in result.log
    assert result.seconds < ends.bounds.get("seconds", 5) + 3, result
    assert ends.reached is None or ends.reached in result.reached


@pytest.mark.parametrize("name", QUICK)
def test_it_ends_and_reaches_nothing(user: User, name: str) -> None:
    attacked(user, name, QUICK[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_it_ends_and_reaches_nothing_in_the_long_run(user: User, name: str) -> None:
    attacked(user, name, SLOW[name])


def test_no_way_out_to_a_network_or_to_the_machines_services(user: User, tmp_path: Path) -> None:
    heard: list[str] = []
    name = f"grade-test-{uuid.uuid4().hex}"

    def serve(server: socket.socket) -> None:
        try:
            while True:
                server.accept()[0].close()
                heard.append(str(server.getsockname()))
        except OSError:
            return

    with (
        socket.create_server(("127.0.0.1", 0)) as internet,
        socket.socket(socket.AF_UNIX) as by_path,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        path = f"/tmp/{name}"
        by_path.bind(path)
        abstract.bind(f"\0{name}")
        try:
            Path(path).chmod(0o777)
            for server in (by_path, abstract):
                server.listen()
            threads = [threading.Thread(target=serve, args=(s,)) for s in (internet, by_path, abstract)]
            for thread in threads:
                thread.start()
            port = internet.getsockname()[1]
            result = user.run(ATTACKS / "network.py", [str(port), path, name], bounds={"seconds": 10})
        finally:
            Path(path).unlink()
            for server in (internet, by_path, abstract):
                server.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
    assert "REACHED" not in result.log, result.log
    assert "DONE 1000" in result.log, result.log
    assert "interfaces ['lo']" in result.log
    assert result.code == 0
    assert heard == []


def test_nothing_of_the_machine_is_to_be_read(user: User) -> None:
    result = user.run(
        ATTACKS / "reading.py", [CANARY[::-1], str(user.home), str(os.getpid())], bounds={"seconds": 10}
    )
    assert "REACHED" not in result.log, result.log
    assert "DONE" in result.log, result.log
    assert "users 2\n" in result.log
    assert "processes ['1', '2']" in result.log
    assert "SECRET" not in result.log
    assert CANARY not in result.log


def test_what_is_left_of_privileges_is_nothing(user: User) -> None:
    log = user.run(ATTACKS / "privileges.py").log
    for kind in ("Prm", "Eff", "Amb"):
        assert f"Cap{kind}: 0000000000000000" in log
    assert "descriptors ['0', '1', '2', '3']" in log
    if os.uname().machine in ("x86_64", "aarch64"):
        assert "Seccomp: 2" in log
    if user.name == "root":
        assert "Groups: \n" in log or "Groups:\n" in log


@pytest.mark.slow
@pytest.mark.parametrize(("name", "asked"), [("deaf", 1), ("garbage", 3)])
def test_a_listener_that_answers_nonsense_or_nothing_only_costs_time(
    user: User, name: str, asked: int
) -> None:
    result = user.run(ATTACKS / f"{name}.py", ask=asked, bounds={"seconds": 4})
    assert result.limit in ("time", None)
    assert result.seconds < 10
    assert "ConnectionRefusedError" not in result.answers[0], "the listener is ours, and outlives it"
    assert len(result.answers) == asked


def test_ended_with_its_grader_however_that_comes_about(user: User) -> None:
    marker = uuid.uuid4().hex
    task = user.task(
        (ATTACKS / "daemons.py").read_text(encoding="utf-8") + "time.sleep(1000)\n",
        variables={"MARKER": marker},
        wait_for="DONE",
    )
    with user.popen(task, start_new_session=True) as runner:
        try:
            assert runner.stdout is not None
            assert runner.stdout.readline().strip() == "/scratch"
            assert len(marked(marker)) >= 6
            runner.kill()
            assert gone(marker)
        finally:
            runner.kill()


def test_a_closed_sandbox_is_empty(user: User) -> None:
    script = (ATTACKS / "daemons.py").read_text(encoding="utf-8") + "time.sleep(1000)\n"
    result = user.run(script, close_after=0.5, bounds={"seconds": 30})
    assert (result.limit, result.ours) == (None, False)
    assert result.seconds < 4
