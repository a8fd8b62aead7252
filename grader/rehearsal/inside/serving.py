"""HTTP/1.1 on a listening socket: one request at a time, as one worker of the platform's own server; every answer closes its connection.

CONFIG.json: ``contract`` (``sagemaker``, ``vertex``, ``ai-platform``), ``model_dir``, ``code_dir``, ``program`` (the script's name, for
``sagemaker``), ``transform_fn`` (whether the image knows it), ``paths`` (folders with the student's requirements), and, where they
are not the usual: ``listener`` (file descriptor, 3), ``framework`` (``ai-platform``: null where the deployment names none).
"""

import json
import os
import site
import socket
import sys
from typing import Any, Dict, NamedTuple, Optional, Tuple

from .telling import Failed, Step, Teller

_MOST_HEAD = 65536
_IDLE = 60.0  # seconds that a client may take for its request, and for taking the answer

Answer = NamedTuple(
    "Answer",
    [
        ("status", int),
        ("content_type", Optional[str]),
        ("body", bytes),
        ("headers", Tuple[Tuple[str, str], ...]),
    ],
)

Request = NamedTuple(
    "Request", [("method", str), ("path", str), ("headers", Dict[str, str]), ("body", bytes)]
)

_REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    411: "Length Required",
}


class BadRequest(Exception):
    """What came is no request that is answered; ``args`` are status and sentence."""


def answer(
    status: int, body: Any = b"", content_type: Optional[str] = "application/json", **headers: str
) -> Answer:
    """An answer; a body that is no bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode("utf-8")
    return Answer(
        status, content_type, raw, tuple((name.replace("_", "-"), value) for name, value in headers.items())
    )


def main(config_path: str) -> None:
    """Serve until the process is ended."""
    with open(config_path, encoding="utf-8") as file:
        config = json.load(file)
    # By lines: what is printed before the process is ended from outside should be in the log.
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = open(number, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=config.get("listener", 3))
    listener.set_inheritable(False)
    teller = Teller(config.get("code_dir") or config["model_dir"])
    teller.listen()
    set_paths(config)
    contract = _contract(config)
    try:
        contract.start()
    except Failed as failed:
        teller.write({"failed": teller.error(failed)})
        os._exit(1)
    listener.settimeout(None)
    while True:
        connection, _ = listener.accept()
        with connection:
            ended = _serve(connection, contract, teller)
        if ended:
            os._exit(1)


def _contract(config: Dict[str, Any]) -> Any:
    if config["contract"] == "sagemaker":
        from .sagemaker import SageMaker

        return SageMaker(config)
    from .vertex import AiPlatform, Vertex

    return AiPlatform(config) if config["contract"] == "ai-platform" else Vertex(config)


def set_paths(config: Dict[str, Any]) -> None:
    """The student's code first, what their requirements brought before what the environment has, but after the standard library."""
    at = next((i for i, path in enumerate(sys.path) if "-packages" in path), len(sys.path))
    folders = [os.path.abspath(path) for path in config.get("paths", [])]
    sys.path[at:at] = folders
    for folder in folders:
        site.addsitedir(
            folder
        )  # it is on the path; this reads its .pth files, as those of pip's own folder are read
    if config.get("code_dir"):
        sys.path.insert(0, config["code_dir"])


def _serve(connection: socket.socket, contract: Any, teller: Teller) -> bool:
    """Answer one request; whether the process is to end after it."""
    connection.settimeout(_IDLE)
    ended = False
    method = "GET"
    try:
        request = _read(connection, contract.most_bytes)
        method = request.method
        try:
            with Step("predict"):
                reply = contract.handle(request)
        except Failed as failed:
            ended = failed.ends
            reply = answer(500, teller.error(failed), X_Rehearsal_Stage=failed.stage)
            if ended:
                teller.write({"failed": teller.error(failed)})
    except BadRequest as bad:
        reply = answer(bad.args[0], {"message": bad.args[1]})
    except (OSError, ValueError):
        return False
    warned = teller.warnings()
    if warned:
        reply = reply._replace(headers=reply.headers + (("X-Rehearsal-Warnings", warned),))
    try:
        connection.sendall(_encoded(reply, method))
        connection.shutdown(socket.SHUT_WR)
    except (OSError, ValueError):
        pass
    return ended


def _encoded(reply: Answer, method: str) -> bytes:
    head = ["HTTP/1.1 %d %s" % (reply.status, _REASONS.get(reply.status, "Status"))]
    if reply.content_type is not None:
        head.append("Content-Type: " + reply.content_type)
    head += ["%s: %s" % pair for pair in reply.headers]
    head += ["Content-Length: %d" % len(reply.body), "Connection: close"]
    clean = [line.replace("\r", " ").replace("\n", " ") for line in head]
    raw = "\r\n".join(clean + ["", ""]).encode("latin-1", "replace")
    return raw if method == "HEAD" else raw + reply.body


def _read(connection: socket.socket, most: int) -> Request:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            raise OSError("closed")
        data += part
        if len(data) > _MOST_HEAD and b"\r\n\r\n" not in data[:_MOST_HEAD]:
            raise BadRequest(400, "The head of the request is too long.")
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    first = lines[0].split(" ")
    if len(first) != 3 or not first[2].startswith("HTTP/1."):
        raise BadRequest(400, "This is no HTTP request.")
    headers: Dict[str, str] = {}
    for line in lines[1:]:
        name, sep, value = line.partition(":")
        if not sep:
            raise BadRequest(400, "A header has no colon.")
        headers[name.strip().lower()] = value.strip()
    if "transfer-encoding" in headers:
        raise BadRequest(411, "Send the request with a Content-Length.")
    length = headers.get("content-length", "0")
    if not length.isdigit() or len(length) > 12:
        raise BadRequest(400, "The Content-Length is no number.")
    wanted = int(length)
    if wanted > most:
        raise BadRequest(413, "The request has %d bytes; the platform takes at most %d." % (wanted, most))
    if headers.get("expect", "").lower() == "100-continue" and len(body) < wanted:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    while len(body) < wanted:
        part = connection.recv(min(65536, wanted - len(body)))
        if not part:
            raise OSError("closed")
        body += part
    return Request(first[0], first[1].partition("?")[0], headers, body[:wanted])
