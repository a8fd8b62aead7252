"""A submission by URL: one shallow, partial fetch into a bare repository of our own; no work tree, ever."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from grader.limits import Limits
from grader.patterns import pattern
from grader.submission import complaints, objects
from grader.submission.errors import Unobtainable
from grader.submission.gitrun import Failed, Runner, TooMuch
from grader.submission.source import Source, Submission
from grader.text import visible

_HEAD = "refs/grade/head"
_ABBREVIATED = pattern(r"[0-9a-f]{4,63}")
_SYMREF = re.compile(rb"symref(?:-target|=HEAD):refs/heads/(\S{1,900})")


def obtain(
    source: Source,
    workdir: Path,
    limits: Limits,
    *,
    exclude: Callable[[str], bool] | None,
    wanted: Callable[[Sequence[str]], Sequence[str]],
) -> Submission:
    """Fetch what ``source`` names (``submission.source.obtain`` says the rest).

    One trip brings the commit, its trees and its small files; at most one more brings the larger ones among ``wanted``.
    """
    runner = Runner(source, objects.prepare(workdir / "git"), limits)
    ref = _fetch(runner, source, limits)
    reader = objects.Objects(runner.reading, patience=limits.read_seconds)
    try:
        oid, commit = _commit(reader, source)
        found = objects.listing(reader, commit.tree, limits, exclude)
        known = objects.sizes(runner.reading, found.blobs.values(), seconds=limits.read_seconds)
    except (objects.Missing, objects.Broken) as problem:
        raise Unobtainable(
            f"The files of the commit could not be read: {visible(str(problem)).rstrip('.')}."
        ) from None
    finally:
        reader.close()
    absent = "not fetched"
    tree = objects.tree_of(found, known, reader, limits, exclude=exclude)
    missing = [path for path in tree.files if found.blobs[path] not in known]
    if missing:
        asked = {found.blobs[path] for path in wanted(missing) if path in found.blobs} - set(known)
        try:
            if asked:
                runner.fetch_objects(sorted(asked), most=limits.wanted_bytes)
        except TooMuch:
            absent = "too large to fetch"
        except Failed as problem:
            absent = f"it could not be fetched: {complaints.sentence(problem.said, source).rstrip('.')}"
        if asked and absent == "not fetched":
            try:
                known |= objects.sizes(runner.reading, asked, seconds=limits.read_seconds)
            except objects.Broken as problem:
                absent = str(problem)
        tree = objects.tree_of(found, known, reader, limits, exclude=exclude, absent=absent)
    return Submission(tree, ref, oid, commit.committed_at, (), reader.close)


def _fetch(runner: Runner, source: Source, limits: Limits) -> str | None:
    """Fetch the ref to our own; returns its name as far as it is known."""
    if not source.refs:
        trace = runner.folder / "trace"
        _try(runner, source, "HEAD", trace=trace)
        return _default_branch(trace)
    for ref in source.refs:
        try:
            runner.fetch([f"{ref}:{_HEAD}"])
        except Failed as problem:
            if complaints.is_missing_ref(problem.said):
                continue
            if objects.OID.fullmatch(ref) and complaints.is_refused_object(problem.said):
                continue
            raise Unobtainable(complaints.sentence(problem.said, source)) from None
        except TooMuch:
            raise _too_much(limits) from None
        return ref
    for ref in source.refs:
        if _ABBREVIATED.fullmatch(ref) and _by_commit(runner, source, ref, limits):
            return ref
    raise Unobtainable(
        f"It has no branch, tag or commit called {visible(source.refs[0])[:200]}; check the name after @ or --ref."
    )


def _try(runner: Runner, source: Source, ref: str, *, trace: Path | None = None) -> None:
    try:
        runner.fetch([f"{ref}:{_HEAD}"], trace=trace)
    except Failed as problem:
        raise Unobtainable(complaints.sentence(problem.said, source)) from None
    except TooMuch:
        raise _too_much(runner.limits) from None


def _too_much(limits: Limits) -> Unobtainable:
    return Unobtainable(
        f"It holds more than {limits.fetch_bytes // 1_000_000} MB, the bound on what is fetched; "
        "raise it with --limit fetch-bytes=BYTES."
    )


def _default_branch(trace: Path) -> str | None:
    """The branch that HEAD names, as the server said it in passing; None where it did not."""
    try:
        with trace.open("rb") as file:
            match = _SYMREF.search(file.read(1_000_000))
    except OSError:
        return None
    if match is None:
        return None
    # Its bytes beyond ASCII are written in octal, with their sign where chars have one; a name has no backslash itself.
    name = re.sub(rb"\\(?:37777777)?([0-7]{3})", lambda m: bytes([int(m.group(1), 8) & 255]), match.group(1))
    return os.fsdecode(name)


def _by_commit(runner: Runner, source: Source, prefix: str, limits: Limits) -> bool:
    """Find a commit by the beginning of its id: for that the history is needed, though not its files."""
    history = runner.elsewhere("history")
    try:
        history.fetch(
            ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"], options=("--filter=tree:0",)
        )
        reader = objects.Objects(history.reading)
        try:
            reader.take(f"{prefix}^{{commit}}", "commit", 1_000_000)
            oid = reader.last
        finally:
            reader.close()
        try:
            runner.fetch([f"{oid}:{_HEAD}"])
        except Failed as problem:
            if not complaints.is_refused_object(problem.said):
                raise
            # A server that gives out only what a ref names: the whole history then, files and all.
            runner.fetch(["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"], options=())
            (runner.folder / _HEAD).parent.mkdir(parents=True, exist_ok=True)
            (runner.folder / _HEAD).write_text(f"{oid}\n", encoding="ascii")
    except (objects.Missing, objects.Broken):
        return False
    except TooMuch:
        raise _too_much(limits) from None
    except Failed as problem:
        raise Unobtainable(complaints.sentence(problem.said, source)) from None
    return True


def _commit(reader: objects.Objects, source: Source) -> tuple[str, objects.Commit]:
    """The commit that was fetched, and its id; an annotated tag is peeled."""
    try:
        commit = objects.commit(reader, f"{_HEAD}^{{commit}}")
    except (objects.Missing, objects.Broken):
        told = source.refs[0] if source.refs else "HEAD"
        raise Unobtainable(f"{visible(told)[:200]} names no commit that could be read.") from None
    return reader.last, commit
