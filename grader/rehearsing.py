"""``grade rehearse``: the rehearsal alone, and with ``--serve`` its endpoint on loopback until Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from grader.facts.asked import Rehearsal
from grader.grading import Plan, Task
from grader.isolation import Channel, limit_process, run_all
from grader.submission.errors import Unobtainable, WrongCall
from grader.text import visible

if TYPE_CHECKING:
    from grader.rehearsal.plan import Order
    from grader.rehearsal.rehearse import Served

_PORT = 8080  # both platforms' own, inside their containers
_ROUTES = {"aws": ("/ping", "/invocations"), "gcp": ("/health", "/predict")}


def prepare(task: Task, skip: Mapping[str, str], channel: Channel) -> None:
    """Obtain a submission and plan its rehearsals: the work of its process.

    Tells ``channel`` an object with ``problem``, or ``orders`` and ``not_rehearsed`` (platform and sentence).
    """
    from grader import onrequest
    from grader.facts.gather import gather, wanted
    from grader.grading import homes_of
    from grader.submission import source as sources

    scratch = Path(task.scratch)
    scratch.mkdir(parents=True, exist_ok=True)
    channel.stage("obtain")
    try:
        submission = sources.obtain(task.source, scratch, task.limits, exclude=task.exclude, wanted=wanted)
    except Unobtainable as problem:
        channel.done({"problem": str(problem)})
        return
    try:
        channel.stage("read")
        limit_process(task.limits)
        facts = gather(submission.tree, task.limits, skip=skip, told=channel.at)
        orders, others = [], []
        for platform, folder in (homes_of(facts, task.plan) if task.plan else {}).items():
            if platform is None or folder is None:
                others.append([platform or "", "The submission has no deploy folder."])
                continue
            stage = scratch / "stage" / platform
            order = onrequest.planned(facts, submission.tree, platform, folder, task.limits, stage)
            if isinstance(order, Rehearsal):
                others.append([platform, order.problem or "There is nothing to rehearse."])
            else:
                orders.append(order.to_json())
        channel.done({"orders": orders, "not_rehearsed": others})
    finally:
        submission.close()


def serve(task: Task, plan: Plan, *, port: int | None) -> int:
    """Keep the rehearsed endpoint of the first platform that has one up on loopback; ends by Ctrl-C, or with the server.

    Raises:
        WrongCall: there is nothing to rehearse, or the port is taken.
        Unobtainable: the submission could not be obtained or read.
        KeyboardInterrupt: Ctrl-C.
    """
    from grader.rehearsal.job import NoSandbox
    from grader.rehearsal.plan import Order
    from grader.rehearsal.rehearse import serve as started
    from grader.rehearsal.settings import RequirementsFailed, Settings, Unavailable

    ((_, outcome),) = list(run_all([task], prepare, 1, task.limits))
    answer = outcome.answer or {"problem": outcome.problem}
    if "problem" in answer:
        raise Unobtainable(str(answer["problem"]))
    if not answer["orders"]:
        told = "; ".join(
            f"{platform}: {why}" if platform else why for platform, why in answer["not_rehearsed"]
        )
        raise WrongCall(f"there is nothing to serve: {visible(told)}")
    order = Order.from_json(answer["orders"][0])
    settings = Settings(pythons=plan.pythons)
    try:
        with started(order, progress=_say, sandboxed=plan.sandboxed, settings=settings) as served:
            _forward(order, served, port)
    except RequirementsFailed as problem:
        raise WrongCall(f"there is nothing to serve: {visible(str(problem))}") from None
    except (Unavailable, NoSandbox) as problem:
        _say(f"the deployment cannot be rehearsed here: {problem}")
        return 4  # trouble of ours, or of this machine
    return 0


def _forward(order: Order, served: Served, port: int | None) -> None:
    """Pass connections on loopback on to the server's own socket, until the server ends."""
    with _listening(served.address, port) as server:
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        number = server.server_address[1]
        health, predict = _ROUTES[order.platform]
        _say(
            f"The rehearsed endpoint is at http://127.0.0.1:{number} until Ctrl-C; its health check is GET {health}."
        )
        body = _shell_text(order.payloads[0].body) if order.payloads else None
        if body is not None:
            _say("Ask it for a prediction, for example:")
            header = f"-H 'Content-Type: {visible(order.payloads[0].content_type)}'"
            print(f"  curl -sS http://127.0.0.1:{number}{predict} {header} -d {body}", file=sys.stderr)
        shown = 0
        try:
            while (ended := served.running.ended()) is None:
                shown = _show_log(served.running.log(), shown)
                time.sleep(0.2)
        finally:
            server.shutdown()
        _show_log(served.running.log(), shown)
        _say(f"The server ended: {ended.sentence}")


class _Connection(socketserver.BaseRequestHandler):
    """One connection, passed on both ways until either side has said all."""

    server: _Server

    def handle(self) -> None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as inside:
            inside.connect(os.fspath(self.server.inside))
            asking = threading.Thread(target=_pump, args=(self.request, inside), daemon=True)
            asking.start()
            _pump(inside, self.request)


class _Server(socketserver.ThreadingTCPServer):
    """Listens on loopback; ``inside`` is the address of the socket that connections are passed on to."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, inside: Path) -> None:
        self.inside = inside
        super().__init__(("127.0.0.1", port), _Connection)


def _listening(inside: Path, port: int | None) -> _Server:
    try:
        return _Server(_PORT if port is None else port, inside)
    except (OSError, OverflowError) as problem:
        if port is not None:
            raise WrongCall(f"port {port} cannot be had ({problem}); give another with --port") from None
    return _Server(0, inside)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def _shell_text(body: bytes) -> str | None:
    """A request on one line, quoted for a shell; None for one that cannot be shown so. It may be the submission's own."""
    try:
        text = json.dumps(json.loads(body), ensure_ascii=False)
    except (ValueError, RecursionError):
        text = body.decode("utf-8", errors="replace").strip()
    return shlex.quote(text) if text == visible(text) and len(text) < 2000 else None


def _show_log(text: str, shown: int) -> int:
    """Print what the server printed since; ``text`` is made visible and bounded already."""
    if len(text) > shown:
        print(text[shown:], end="", file=sys.stderr, flush=True)
    return len(text)


def _say(sentence: str) -> None:
    print(f"grade: {visible(sentence)}", file=sys.stderr, flush=True)
