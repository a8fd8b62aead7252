"""One pickle file, from bytes to findings: every pickle in it, and both loaders' views of it."""

from __future__ import annotations

import gc
import time
from typing import BinaryIO, NamedTuple

from grader.facts.pickles.findings import Findings
from grader.facts.pickles.machine import Machine
from grader.facts.pickles.source import Malformed, OverBound, Source, compression_of, source_of
from grader.facts.pickles.summary import Summary, summarise
from grader.limits import Limits

_FURTHER = 8  # pickles behind the first one that are looked at
_CPU_SHARE = 0.8  # of the processor time for a file; the rest is for what comes around reading
_TWO_THINGS = "it reads as one thing with joblib and as another with pickle"
_NOTHING = Summary(None, (), None, ())


class Reading(NamedTuple):
    """``began``: at least the beginning is a pickle. ``problem``: why a loader would not take it as it is, or None."""

    compression: str
    began: bool
    findings: Findings
    summary: Summary
    problem: str | None


def deadline(limits: Limits) -> float:
    """When, in processor time, reading has to end."""
    return time.process_time() + _CPU_SHARE * limits.file_seconds


def read_pickle(stream: BinaryIO, size: int, limits: Limits, until: float | None = None) -> Reading:
    """Read a pickle, joblib's or not, compressed or not. ``size`` in bytes, ``until`` in processor time.

    Never raises for what the bytes are; what is wrong with them is ``problem``. The stream must be seekable.
    """
    # Millions of stand-ins are made and hardly any is garbage: looking for cycles among them would take most of the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _read(stream, size, limits, deadline(limits) if until is None else until)
    finally:
        if collecting:
            gc.enable()


def _read(stream: BinaryIO, size: int, limits: Limits, until: float) -> Reading:
    stream.seek(0)
    compression = compression_of(stream.read(8))
    findings = Findings()
    stream.seek(0)
    summary, problem, began = _NOTHING, None, False
    source: Source | None = None
    try:
        source = source_of(stream, compression, size, limits.archive_bytes, until)
        machine = Machine(source, findings, limits.model_objects)
        top = machine.run()
        began = True
        summary = summarise(top)
        del machine, top
        problem = _behind(source, findings, limits)
    except Malformed as why:
        problem = str(why)
    except OverBound as why:
        problem, began = str(why), True
    except MemoryError:
        problem, began = "reading it takes more memory than it may", True
    if findings.first_array is not None:
        problem = _plain_view(stream, compression, size, findings, limits, until) or problem
        findings.first_array = None
    if findings.persistent:
        findings.told("it refers to objects that are kept elsewhere (persistent ids)")
    began = began or bool(findings.names)
    return Reading(compression, began, findings, summary, problem or findings.problem)


def _behind(source: Source, findings: Findings, limits: Limits) -> str | None:
    """What lies behind the end: nothing, or more pickles, whose names count too."""
    for further in range(_FURTHER):
        if source.at >= len(source.buffer) and not source.more():
            return "there is data after its end: another pickle" if further else None
        if source.buffer[source.at] != 0x80:
            break
        try:
            Machine(source, findings, limits.model_objects).run()
        except Malformed:
            break
        findings.further += 1
    return "there is data after its end"


def _plain_view(
    stream: BinaryIO, compression: str, size: int, findings: Findings, limits: Limits, until: float
) -> str | None:
    """The names that `pickle.load` would meet, which takes the first array's bytes for opcodes.

    It nearly always stops at once. Where it does not, the file means two things.
    """
    assert findings.first_array is not None  # noqa: S101 - the caller has looked
    offset, stack, marks, memo, sparse = findings.first_array
    view = Findings(names=dict(findings.names))
    try:
        again = source_of(stream, compression, size, limits.archive_bytes, until)
        again.skip(offset)
        machine = Machine(again, view, limits.model_objects, joblib=False)
        machine.stack, machine.marks, machine.memo, machine.sparse = stack, marks, memo, sparse
        machine.run()
        # The pickle of an object array ends here for a plain loader too, honestly.
        problem: str | None = None if findings.first_is_object else _TWO_THINGS
    except OverBound as why:
        problem = str(why)
    except (Malformed, MemoryError):
        problem = None
    # With an object array first, its memo is out of step here, and only names as such count.
    findings.runs.update({n: None for n in view.runs if not findings.first_is_object or " " not in n})
    return problem
