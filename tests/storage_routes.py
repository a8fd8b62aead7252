"""The part of Cloud Storage's JSON API that a deployment needs: buckets, and objects uploaded in one go or in pieces.

Source: the requests that google-cloud-storage 3.17.1 and gcloud 528.0.0 send, 2026-11-22.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

Buckets = dict[str, dict[str, bytes]]
_BUCKET = re.compile(r"/storage/v1/b/(?P<bucket>[^/]+)\Z")
_LAYOUT = re.compile(r"/storage/v1/b/(?P<bucket>[^/]+)/storageLayout\Z")
_MANAGED = re.compile(r"/storage/v1/b/(?P<bucket>[^/]+)/managedFolders\Z")
_OBJECTS = re.compile(r"/storage/v1/b/(?P<bucket>[^/]+)/o\Z")
_OBJECT = re.compile(r"/(?P<media>download/)?storage/v1/b/(?P<bucket>[^/]+)/o/(?P<name>.+)\Z")
_HEAD = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(rb"\r?\n\Z")
_UPLOAD = re.compile(r"/upload/storage/v1/b/(?P<bucket>[^/]+)/o\Z")


class StorageRoutes:
    """Mixed into a request handler that has ``send``, ``send_bytes`` and ``refuse``."""

    command: str
    path: str
    headers: Any
    server: Any
    send: Callable[[int, dict[str, Any]], None]
    send_bytes: Callable[..., None]
    refuse: Callable[[int, str, str], None]

    def storage(
        self,
        buckets: Buckets,
        count: Callable[[str], None],
        path: str,
        query: dict[str, str],
        body: bytes,
    ) -> bool:
        """Answer a request to Cloud Storage; False if it is none. ``count`` notes each call."""
        if path == "/storage/v1/b" and self.command == "POST":
            count("buckets.insert")
            name = json.loads(body)["name"]
            if name in buckets:
                self.refuse(
                    409, "ALREADY_EXISTS", "Your previous request to create the named bucket succeeded."
                )
            buckets[name] = {}
            self.send(200, {"kind": "storage#bucket", "id": name, "name": name})
        elif found := _UPLOAD.match(path):
            count("objects.insert")
            self._upload(self._bucket(buckets, found["bucket"]), found["bucket"], query, body)
        elif found := _BUCKET.match(path):
            count("buckets.delete" if self.command == "DELETE" else "buckets.get")
            held = self._bucket(buckets, found["bucket"])
            if self.command == "DELETE":
                if held:
                    self.refuse(409, "FAILED_PRECONDITION", "The bucket you tried to delete is not empty.")
                del buckets[found["bucket"]]
                self.send_bytes(204, "text/plain", b"")
            else:
                self.send(200, {"kind": "storage#bucket", "id": found["bucket"], "name": found["bucket"]})
        elif found := _LAYOUT.match(path):
            count("buckets.layout")
            self._bucket(buckets, found["bucket"])
            self.send(
                200, {"kind": "storage#storageLayout", "bucket": found["bucket"], "locationType": "region"}
            )
        elif found := _MANAGED.match(path):
            count("folders.list")
            self._bucket(buckets, found["bucket"])
            self.send(200, {"kind": "storage#managedFolders"})
        elif found := _OBJECTS.match(path):
            count("objects.list")
            held = self._bucket(buckets, found["bucket"])
            names = [name for name in held if name.startswith(query.get("prefix", ""))]
            items = [_described(found["bucket"], name, held[name]) for name in names]
            self.send(200, {"kind": "storage#objects", **({"items": items} if items else {})})
        elif found := _OBJECT.match(path):
            count("objects.delete" if self.command == "DELETE" else "objects.get")
            held = self._bucket(buckets, found["bucket"])
            if found["name"] not in held:
                self.refuse(404, "NOT_FOUND", f"No such object: {found['bucket']}/{found['name']}")
            if self.command == "DELETE":
                del held[found["name"]]
                self.send_bytes(204, "text/plain", b"")
            elif found["media"] or query.get("alt") == "media":
                content = held[found["name"]]
                self.send_bytes(200, "application/octet-stream", content, X_Goog_Hash=f"md5={_md5(content)}")
            else:
                self.send(200, _described(found["bucket"], found["name"], held[found["name"]]))
        else:
            return False
        return True

    def _bucket(self, buckets: Buckets, name: str) -> dict[str, bytes]:
        if name not in buckets:
            self.refuse(404, "NOT_FOUND", "The specified bucket does not exist.")
        return buckets[name]

    def _upload(self, held: dict[str, bytes], bucket: str, query: dict[str, str], body: bytes) -> None:
        """A multipart upload, or one in pieces: started by a POST, continued by PUTs to the address it gave."""
        kind = query.get("uploadType")
        if kind == "multipart":
            about, content = _parts(body, self.headers["Content-Type"])
            name = json.loads(about)["name"]
            held[name] = content
        elif kind == "media":
            name = query["name"]
            held[name] = body
        elif kind == "resumable" and self.command == "POST":
            name = query.get("name") or json.loads(body)["name"]
            self.server.pending = {**getattr(self.server, "pending", {}), name: b""}
            address = f"http://{self.headers['Host']}{self.path.partition('?')[0]}?uploadType=resumable&name={name}&upload_id=1"
            self.send_bytes(200, "application/json", b"", Location=address)
            return
        else:
            name = query["name"]
            pending = self.server.pending
            pending[name] += body
            total = re.search(r"/(\d+)\Z", self.headers.get("Content-Range", "bytes 0-0/0"))
            if total is None or len(pending[name]) < int(total.group(1)):
                self.send_bytes(308, "text/plain", b"", Range=f"bytes=0-{len(pending[name]) - 1}")
                return
            held[name] = pending.pop(name)
        self.send(200, _described(bucket, name, held[name]))


def _parts(body: bytes, content_type: str) -> list[bytes]:
    """The parts of a multipart body, byte for byte (a mail parser may change line ends)."""
    found = re.search(r"""boundary=["']?([^"';]+)""", content_type)
    assert found is not None
    parts = body.split(b"--" + found.group(1).encode())[1:-1]
    return [_LINE_END.sub(b"", _HEAD.split(part, maxsplit=1)[1]) for part in parts]


def _md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


def _crc32c(content: bytes) -> str:
    from google_crc32c import Checksum  # comes with the client that asks

    return base64.b64encode(Checksum(content).digest()).decode()


def _described(bucket: str, name: str, content: bytes) -> dict[str, Any]:
    return {
        "kind": "storage#object",
        "id": f"{bucket}/{name}/1",
        "bucket": bucket,
        "name": name,
        "generation": "1",
        "size": str(len(content)),
        "md5Hash": _md5(content),
        "crc32c": _crc32c(content),
    }
