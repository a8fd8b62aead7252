"""What fixtures hold that no repository should: made when the tests run, by name, from ``made:`` in ``expected.yaml``.

Credentials are put together from parts here, so that none stands in this repository's text and none is anybody's. Files
that other tools would trip over (links, names that are no UTF-8, truncated archives, hostile pickles) appear only in the
temporary copy that is graded.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Maker = Callable[..., None]


def _letters(seed: str, count: int, alphabet: str) -> str:
    """``count`` characters that look random and are the same each time."""
    digits = b"".join(hashlib.sha512(f"{seed}{n}".encode()).digest() for n in range(count // 64 + 1))
    return "".join(alphabet[byte % len(alphabet)] for byte in digits[:count])


_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_MIXED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def _key_id(seed: str, temporary: bool = False) -> str:
    return ("AS" if temporary else "AK") + "IA" + _letters(seed, 16, _UPPER)


def _secret(seed: str) -> str:
    return _letters(seed + "secret", 40, _MIXED + "/+")


def _token(seed: str) -> str:
    head = base64.b64encode(b"\x17\x42\xf6" * 6).decode().rstrip("=")
    return "IQoJb3JpZ2lu" + head + _letters(seed + "token", 320, _MIXED + "/+") + "=="


def _pem(seed: str, kind: str = "PRIVATE KEY") -> str:
    body = base64.b64encode(
        b"".join(hashlib.sha512(f"{seed}{n}".encode()).digest() for n in range(19))
    ).decode()
    lines = "\n".join(body[i : i + 64] for i in range(0, len(body), 64))
    dashes = "-" * 5
    return f"{dashes}BEGIN {kind}{dashes}\n{lines}\n{dashes}END {kind}{dashes}\n"


def filled(path: Path, *, text: str | None = None, seed: str = "a") -> None:
    """Text with its ``@...@`` places filled by credentials: the argument ``text``, else what the file holds.

    ``@key-id@``, ``@temporary-key-id@``, ``@secret@``, ``@token@``, ``@pem@``, ``@pem-json@`` (on one line, with
    ``\\n``), ``@hex40@``, ``@google-key@``.
    """
    places = {
        "@key-id@": _key_id(seed),
        "@temporary-key-id@": _key_id(seed, temporary=True),
        "@secret@": _secret(seed),
        "@token@": _token(seed),
        "@pem@": _pem(seed),
        "@pem-json@": _pem(seed).replace("\n", "\\n"),
        "@pem-nested@": _pem(seed).replace("\n", "\\\\n"),
        "@hex40@": _letters(seed + "hex", 40, "0123456789abcdef"),
        "@google-key@": "AI" + "za" + _letters(seed + "google", 35, _MIXED),
    }
    filling = path.read_text(encoding="utf-8") if text is None else text
    for place, value in places.items():
        filling = filling.replace(place, value)
    path.write_text(filling, encoding="utf-8")


def lfs_pointer(path: Path, *, size: int = 48_273_911) -> None:
    """What Git LFS leaves in place of a file that was not fetched."""
    digest = hashlib.sha256(path.name.encode()).hexdigest()
    path.write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {size}\n", encoding="utf-8"
    )


def link(path: Path, *, to: str) -> None:
    """A symbolic link with ``to`` as its text, whether that is there or not."""
    path.symlink_to(to)


def text(path: Path, *, text: str) -> None:
    """A file whose name no archive tool likes, with plain text in it."""
    path.write_text(text, encoding="utf-8")


def name_of_bytes(path: Path, *, names: list[str], text: str = "left over\n") -> None:
    """Files in the folder of ``path`` whose names are these bytes (in hex), as a file system gives them."""
    for name in names:
        (path.parent / os.fsdecode(bytes.fromhex(name))).write_text(text, encoding="utf-8")


def encoded(path: Path, *, text: str, encoding: str, newline: str = "\n") -> None:
    """Text in another encoding than UTF-8, or with other ends of lines."""
    path.write_bytes(text.replace("\n", newline).encode(encoding))


def big(path: Path, *, megabytes: int, start: str = "") -> None:
    """A file of this size, mostly a hole: it takes no room on most disks. ``start`` is its beginning, in hex."""
    with path.open("wb") as file:
        file.write(bytes.fromhex(start))
        file.truncate(megabytes * 1_000_000)


def _stored(data: bytes, name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = len(data), 1_650_000_000, 0o644
    return info


def bomb(path: Path, *, member: str, gigabytes: int) -> None:
    """A small .tar.gz whose one member is this many gigabytes of zeros (each block compressed once, then repeated)."""
    info = _stored(b"", member)
    info.size = gigabytes * 1_000 * 1_048_576
    block = gzip.compress(b"\0" * 1_048_576 * 10, mtime=0)
    path.write_bytes(gzip.compress(info.tobuf(), mtime=0) + block * (gigabytes * 100))


def empty_archive(path: Path) -> None:
    """What ``tar czf model.tar.gz`` of nothing leaves: some 45 bytes."""
    path.write_bytes(gzip.compress(b"\0" * 10_240, mtime=0))


def hostile_pickle(path: Path, *, module: str, name: str, argument: str, after: str | None = None) -> None:
    """A pickle that calls ``module.name(argument)`` when it is loaded; with ``after``, behind that (real) model's bytes.

    Nobody here ever loads it: the grader has to say so without doing it.
    """
    call = f"c{module}\n{name}\n(V{argument}\ntR.".encode()
    if after is None:
        path.write_bytes(b"\x80\x02" + call)
        return
    model = (path.parent / after).read_bytes()
    if not model.endswith(b"."):
        raise ValueError(f"{after} is no plain pickle")
    path.write_bytes(model[:-1] + call[:-1] + b"0.")  # the model is what stays on the stack


def folder(path: Path) -> None:
    """An empty folder, which git does not keep."""
    path.mkdir(parents=True)


def nested_json(path: Path, *, depth: int) -> None:
    """A notebook of brackets in brackets: valid JSON at first sight, and a trap for readers that recurse."""
    path.write_text('{"cells": ' + "[" * depth + "]" * depth + ', "nbformat": 4}', encoding="utf-8")


MAKERS: Mapping[str, Maker] = {
    maker.__name__.replace("_", "-"): maker
    for maker in (
        filled,
        lfs_pointer,
        link,
        text,
        name_of_bytes,
        encoded,
        big,
        bomb,
        empty_archive,
        hostile_pickle,
        folder,
        nested_json,
    )
}


def make(submission: Path, wanted: Mapping[str, Mapping[str, Any]]) -> None:
    """Make the files of one fixture in its copy ``submission``.

    Raises:
        KeyError: no maker has that name.
        ValueError: a path leaves the submission.
    """
    for name, how in wanted.items():
        path = submission / name
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise ValueError(f"{name} leaves the submission")
        path.parent.mkdir(parents=True, exist_ok=True)
        arguments = dict(how)
        MAKERS[arguments.pop("by")](path, **arguments)
