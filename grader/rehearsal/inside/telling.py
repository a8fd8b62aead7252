"""How what went wrong is told: which step, which exception, the student's own lines; and what Python warned of.

A trace is a list of at most 12 lines of at most 300 characters. A frame of the student's own code is
``> inference.py:12 in model_fn: clf = joblib.load(path)``, its path relative to the code folder; a frame of a library the same with
two blanks in place of ``> ``. The last lines are the exception's type and message.
Warnings stand in a header of every answer, as a JSON list. Where the process ends before it has answered, a line of the log that
begins with ``@rehearsal `` holds ``{"failed": ...}``, what would have been the error's body.
"""

import json
import linecache
import os
import sys
import warnings
from types import TracebackType
from typing import Any, Dict, List, Optional, Tuple

MOST_LINES = 12
WIDTH = 300
MOST_WARNINGS = 20
PREFIX = "@rehearsal "


class Failed(Exception):
    """A step of serving failed; ``cause`` is what it raised, ``stage`` the step: import, load, input, predict, output."""

    def __init__(self, stage: str, cause: BaseException) -> None:
        super().__init__(stage)
        self.stage = stage
        self.cause = cause

    @property
    def ends(self) -> bool:
        """Whether the process ends with it, as at ``sys.exit()``."""
        return not isinstance(self.cause, Exception)


class Step:
    """A context manager: what is raised inside becomes a :class:`Failed` of that stage."""

    def __init__(self, stage: str) -> None:
        self.stage = stage

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, value: Optional[BaseException], tb: Optional[TracebackType]) -> None:
        if value is not None and not isinstance(value, Failed):
            raise Failed(self.stage, value)


class Teller:
    """Knows which code is the student's own, and which warnings there were."""

    def __init__(self, code_dir: str) -> None:
        self.own = os.path.join(os.path.realpath(code_dir), "")
        self.warned: List[str] = []
        self.log = os.dup(2)  # student code may close or replace the stream

    def listen(self) -> None:
        """Hear warnings from now on."""
        warnings.showwarning = self._warned

    def _warned(self, message: Any, category: Any, *_: Any, **__: Any) -> None:
        text = one_line("%s: %s" % (getattr(category, "__name__", "Warning"), told(message)))
        if text not in self.warned and len(self.warned) < MOST_WARNINGS:
            self.warned.append(text)

    def write(self, what: Dict[str, Any]) -> None:
        """One line for the log."""
        try:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os.write(self.log, (PREFIX + json.dumps(what) + "\n").encode("ascii"))
        except Exception:
            pass

    def warnings(self) -> str:
        """The warnings so far as the value of a header, empty where there are none."""
        some = list(self.warned)
        while some and len(json.dumps(some)) > 16000:
            some.pop()
        return json.dumps(some) if some else ""

    def error(self, failed: Failed) -> Dict[str, Any]:
        """The body of the answer to a request that failed."""
        return {
            "stage": failed.stage,
            "type": named(failed.cause),
            "message": cut(told(failed.cause), 2000),
            "trace": self.trace(failed.cause),
            "warnings": list(self.warned),
        }

    def trace(self, error: BaseException) -> List[str]:
        """The lines that help: the student's own frames, the place where it happened, the exception."""
        end = self._ending(error)
        frames = self._frames(error)
        keep = [at for at, frame in enumerate(frames) if frame[0]][-(MOST_LINES - len(end) - 2) :]
        keep += [at for at, frame in enumerate(frames) if not frame[0]][-2:]
        return [frames[at][1] for at in sorted(keep)][-(MOST_LINES - len(end)) :] + end

    def _frames(self, error: BaseException) -> List[Tuple[bool, str]]:
        here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")
        found: List[Tuple[bool, str]] = []
        tb = error.__traceback__
        while tb is not None:
            code = tb.tb_frame.f_code
            if not code.co_filename.startswith((here, "<frozen importlib")):
                found.append(self._frame(code.co_filename, tb.tb_lineno, code.co_name, None))
                if len(found) > 200:  # recursion without an end: its beginning and its end are enough
                    del found[100]
            tb = tb.tb_next
        if isinstance(error, SyntaxError) and isinstance(error.filename, str):
            found.append(self._frame(error.filename, error.lineno or 0, "<module>", error.text))
        return found

    def _frame(self, path: str, line: int, name: str, text: Optional[str]) -> Tuple[bool, str]:
        real = os.path.realpath(path)
        own = real.startswith(self.own)
        shown = real[len(self.own) :] if own else _short(path)
        source = text if isinstance(text, str) else linecache.getline(path, line)
        mark = "> " if own else "  "
        return own, one_line("%s%s:%d in %s: %s" % (mark, shown, line, name, source.strip()[:200]))

    def _ending(self, error: BaseException) -> List[str]:
        message = [line.strip() for line in told(error).splitlines() if line.strip()]
        lines = [named(error) + (": " + message[0] if message else "")] + message[1:3]
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is not None and cause is not error and not isinstance(cause, Failed):
            lines.append("(after %s: %s)" % (named(cause), told(cause)))
        return [one_line(line) for line in lines]


def named(error: BaseException) -> str:
    """An exception's type as a traceback shows it."""
    kind = type(error)
    module = getattr(kind, "__module__", None)
    name = str(getattr(kind, "__qualname__", kind.__name__))
    return cut(name if module in ("builtins", "__main__", None) else "%s.%s" % (module, name), 200)


def told(error: Any) -> str:
    """What an exception or a warning says; its ``__str__`` may be the student's."""
    try:
        return cut(str(error), 20000)
    except Exception:
        return "(its message cannot be made)"


def cut(text: str, width: int) -> str:
    """At most ``width`` characters."""
    return text if len(text) <= width else text[: width - 3] + "..."


def one_line(text: str) -> str:
    """One line of a bounded length."""
    indent = "  " if text.startswith("  ") else ""
    return cut(indent + " ".join(text.split()), WIDTH)


def _short(path: str) -> str:
    """A library's file without where the library lies."""
    for folder in ("site-packages", "dist-packages"):
        _, sep, after = path.rpartition(os.sep + folder + os.sep)
        if sep:
            return after
    return os.sep.join(path.split(os.sep)[-2:])
