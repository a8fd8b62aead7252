"""Answers requests with the rehearsal's own contracts, several scripts or models in one process, each request over a socket pair.

Reads ``{"inside", "contract", "code_dir", "model_dir", "programs"}``, or ``"model_dirs"`` in place of the last two, and ``"requests"``
from standard input; prints, for each, a list of [status, content type, body in hex]; the status is null where it does not start.
"""

import http.client
import importlib.util
import json
import socket
import sys

asked = json.load(sys.stdin)
spec = importlib.util.spec_from_file_location(
    "_rehearsal", asked["inside"] + "/__init__.py", submodule_search_locations=[asked["inside"]]
)
sys.modules["_rehearsal"] = importlib.util.module_from_spec(spec)
serving = importlib.import_module("_rehearsal.serving")
telling = importlib.import_module("_rehearsal.telling")
sys.path.insert(0, asked["code_dir"])


def exchange(contract, teller, method, path, headers, body):
    """One request and its answer."""
    lines = ["%s %s HTTP/1.1" % (method, path)] + ["%s: %s" % pair for pair in headers.items()]
    lines += ["Content-Length: %d" % len(body), "", ""]
    mine, its = socket.socketpair()
    with mine, its:
        mine.sendall("\r\n".join(lines).encode("latin-1") + body)
        serving._serve(its, contract, teller)
        answer = http.client.HTTPResponse(mine, method=method)
        answer.begin()
        return [answer.status, answer.getheader("Content-Type"), answer.read().hex()]


def answers(config):
    """What one server answers."""
    contract = serving._contract(dict(config, contract=asked["contract"]))
    try:
        contract.start()
    except telling.Failed:
        return [[None, None, ""] for _ in asked["requests"]]
    teller = telling.Teller(asked["code_dir"])
    return [
        exchange(contract, teller, method, path, headers, bytes.fromhex(body))
        for method, path, headers, body in asked["requests"]
    ]


if asked["contract"] == "sagemaker":
    found = {p: answers({"program": p, "model_dir": asked["model_dir"]}) for p in asked["programs"]}
else:
    found = {folder: answers({"model_dir": folder}) for folder in asked["model_dirs"]}
print(json.dumps(found))
