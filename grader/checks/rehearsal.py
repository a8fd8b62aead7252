"""What a local rehearsal of the deployment showed (``--rehearse``).

The server that ran the student's code is believed only as far as its HTTP answers go; its tracebacks are shown as what
they are, and choose no status but by what a person would read in them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from grader.checks.registry import check, registry
from grader.checks.subject import Subject
from grader.checks.verdict import Verdict, error, failed, passed, review, skipped
from grader.facts.asked import Attempt, Rehearsal
from grader.facts.records import Place
from grader.patterns import pattern
from grader.text import excerpt

if TYPE_CHECKING:
    from grader.checks.cause import Cause

_FRAME = pattern(r"^> (?P<path>.{1,200}?):(?P<line>[0-9]{1,7}) in (?P<name>\S+?): ?(?P<text>.*)$")
_SERVICES = {"sagemaker": "SageMaker", "vertex": "Vertex AI", "ai-platform": "AI Platform"}
_TROUBLE = "Grade without --rehearse, or mend what is missing here and grade again."


@check("rehearsal.loads", on_request="rehearse", requires=("folder.present",))
def loads(subject: Subject) -> Verdict:
    """In a rehearsal the model loads through the student's own code

    Why: An endpoint that cannot load its model never comes into service, and the cloud takes a quarter of an hour
        to say so.
    Example: `model_fn` opens `model.joblib`, and under the declared scikit-learn it loads.
    Remedy: Load the model with the very versions that the deployment declares, through your own `model_fn`.
    """
    found = _of(subject)
    if isinstance(found, Verdict):
        return found
    stage = found.loads
    if stage.ok:
        told = f"The model loaded {_through(found)} under {_versions(found)} in {_time(stage.seconds)}"
        return passed(told + _asides(found) + ".", *_places(found))
    if stage.ok is None:
        return error("Whether the model loads was not established.", _where(found, subject), hint=_TROUBLE)
    cause = _cause(found, subject, stage.problem, limit=stage.limit)
    if found.python is None:
        told = f"What requirements.txt lists was expected to install; {_shown(stage.problem)}"
        return _judged(told, cause, found, (), subject, stage.limit, *_requirements(found, subject))
    expected = f"The model was expected to load {_through(found)} under {_versions(found)}"
    return _judged(f"{expected}; {_shown(stage.problem)}", cause, found, stage.trace, subject, stage.limit)


@check("rehearsal.ping", on_request="rehearse", requires=("rehearsal.loads",))
def ping(subject: Subject) -> Verdict:
    """In a rehearsal the server answers the health check

    Why: The platform sends no request to a container that does not answer its health check.
    Example: `GET /ping` answers 200 once the model is loaded.
    Remedy: Make the code that runs at start-up finish without an error, and quickly.
    """
    found = _of(subject)
    if isinstance(found, Verdict):
        return found
    stage = found.ping
    if stage.ok:
        return passed("The server answered the health check.", *_places(found))
    if stage.ok is None:
        return _behind(found, subject, "Whether the server answers the health check")
    cause = _cause(found, subject, stage.problem, limit=stage.limit)
    told = f"The server was expected to answer the health check; {_shown(stage.problem)}"
    return _judged(told, cause, found, stage.trace, subject, stage.limit)


@check("rehearsal.predicts", on_request="rehearse", requires=("rehearsal.ping",))
def predicts(subject: Subject) -> Verdict:
    """In a rehearsal the server answers a prediction

    Why: A prediction is what the deployment is for.
    Example: `POST /invocations` with one row of features answers a label or a number.
    Remedy: Send the request that your README shows, and mend what its traceback names.
    """
    found = _of(subject)
    if isinstance(found, Verdict):
        return found
    answered = next((one for one in found.attempts if one.problem is None and one.prediction), None)
    own = [one for one in found.attempts if one.origin is not None]
    if answered is not None and (answered.origin is not None or not own):
        return passed(_answer(answered, found), *_origin(answered, found))
    if not found.attempts and found.ping.ok is not True:
        return _behind(found, subject, "Whether the server predicts")
    if not found.attempts:
        why = found.payload_problem or "no request could be made for it"
        return review(
            f"A prediction was expected, but {why}.",
            _where(found, subject),
            hint="Put a request that works beside the model, as `sample_request.json`.",
        )
    return _unanswered(subject, found, own, answered)


def _unanswered(subject: Subject, found: Rehearsal, own: list[Attempt], answered: Attempt | None) -> Verdict:
    """The verdict where the student's own request was not answered, or none was that could be made."""
    one = _telling(own or list(found.attempts))
    cause = _cause(found, subject, one.problem, one.content_type, one.limit)
    told = f"A prediction was expected for {_form(one)}; {_shown(one.problem)}"
    if answered is not None:
        told += f"; {_form(answered)} was answered `{_values(answered)}`"
        if (one.origin or "").endswith((".py", ".ipynb", ".md")):
            # What a program or a text says it sends is read off, and may be meant for something else.
            return review(
                f"{told}; is that the request that the deployment is for?",
                *_origin(one, found),
                hint=_hint(cause),
            )
        return _judged(told, cause, found, one.trace, subject, one.limit, *_origin(one, found))
    if not own and not cause.whatever:
        guess = found.payload_problem
        if guess is None and {"input_fn", "transform_fn"} & set(found.handlers):
            guess = "the script reads requests in its own way, and no sample request is beside it"
        if guess is not None:
            return review(
                f"A prediction was expected, but {guess}; requests that were made up failed ({_shown(one.problem)}).",
                *_evidence(one.trace, found, subject),
                hint="Put a request that works beside the model, as `sample_request.json`.",
            )
    return _judged(told, cause, found, one.trace, subject, one.limit, *_origin(one, found))


def _telling(attempts: list[Attempt]) -> Attempt:
    """The attempt whose failure says most: the one that ended the server, a student's first, else JSON before arrays."""
    broken = next((one for one in attempts if one.limit is not None), None)
    json = [one for one in attempts if one.content_type == "application/json"]
    return broken or (attempts[0] if attempts[0].origin or not json else json[0])


def _behind(found: Rehearsal, subject: Subject, what: str) -> Verdict:
    """What was not asked, because what comes before it went wrong in a way that a person must judge."""
    if found.loads.ok is False or found.ping.ok is False:
        return review(
            f"{what} hangs on the step before it, which a person must judge.", _where(found, subject)
        )
    return error(f"{what} was not asked.", _where(found, subject), hint=_TROUBLE)


# -- what the three share ------------------------------------------------------------------------------------------


def _of(subject: Subject) -> Rehearsal | Verdict:
    """The rehearsal of this platform's deployment, or what is to be said where there was none."""
    found = next((r for r in subject.rehearsals if r.platform == subject.platform), None)
    if found is None:
        return error("The deployment was not rehearsed.", subject.where, hint=_TROUBLE)
    if found.outcome == "nothing":
        lacks = found.lacks or "model.present"
        title = registry[lacks].title if lacks in registry else ""
        return skipped(lacks, open=False, title=title)
    why = found.problem or "The deployment could not be rehearsed."
    if found.outcome == "undecided":
        return review(
            f"The deployment was to be rehearsed. {why}",
            subject.where,
            hint="Make it plain which files are deployed: one model archive, and a script that names its model_fn.",
        )
    if found.outcome == "unavailable":
        return error(f"The deployment could not be rehearsed. {why}", _where(found, subject), hint=_TROUBLE)
    return found


def _cause(
    found: Rehearsal, subject: Subject, problem: str | None, content_type: str = "", limit: str | None = None
) -> Cause:
    """What a failure means; the table of causes is read only where something failed."""
    from grader.checks.cause import Seen
    from grader.checks.causes import explain

    return explain(Seen(problem or "", found, subject.file_names(), content_type, limit))


def _judged(
    told: str,
    cause: Cause,
    found: Rehearsal,
    trace: Iterable[str],
    subject: Subject,
    limit: str | None,
    *also: Place,
) -> Verdict:
    """A failure: the student's, or a person's to judge where it may hang on what we took or lack."""
    trace = tuple(trace)
    frames = _frames(trace, found, subject)
    places = (*frames, *also) or _evidence(trace, found, subject)
    hint = _hint(cause)
    if not cause.means and not frames:  # there is no line to follow
        hint = "Start it yourself with `grade rehearse --serve`, and mend what its server prints."
    if limit is not None:
        return failed(f"{told}.", *places, hint=hint)
    open_doubts = _open(cause, found, trace)
    if open_doubts:
        return review(f"{told}; but {open_doubts[0]}.", *places, hint=hint)
    if cause.ours:
        return review(f"{told}; {cause.means[0].lower()}{cause.means[1:]}", *places, hint=hint)
    return failed(f"{told}.", *places, hint=hint)


def _open(cause: Cause, found: Rehearsal, trace: tuple[str, ...]) -> list[str]:
    """Doubts that may explain a failure of this cause: those of its kinds, and of packages that its traceback names."""
    said = " ".join(trace).lower()
    return [
        excerpt(sentence, 300)
        for kind, sentence in found.doubts
        if kind in cause.hangs_on
        or (kind not in ("versions", "numpy", "place", "code", "requirements") and kind in said)
    ]


def _hint(cause: Cause) -> str:
    return f"{cause.means} {cause.mend}".strip()


def _shown(problem: str | None) -> str:
    """What was found, without a full stop: the exception or the ending."""
    text = excerpt(problem or "it did not", 300).rstrip(".")
    if text.startswith(("It ", "The ", "There ", "What ", "Nobody ")):
        return text[0].lower() + text[1:]
    if text.startswith("GET "):
        return text
    return f"it ended in `{text}`" if "`" not in text else f"it ended in: {text}"


def _through(found: Rehearsal) -> str:
    return (
        "through `model_fn`"
        if found.contract == "sagemaker"
        else f"as {_SERVICES.get(found.contract or '', 'the platform')} loads it"
    )


def _versions(found: Rehearsal) -> str:
    has = dict(found.packages)
    parts = [f"Python {found.python}"] if found.python else []
    if "scikit-learn" in has:
        parts.append(f"scikit-learn {has['scikit-learn']}")
    if not parts:
        return f"what it declares ({found.declared})" if found.declared else "its versions"
    return ", ".join(excerpt(part, 60) for part in parts)


def _time(seconds: float) -> str:
    return f"{max(seconds, 0.1):.1f} s"


def _asides(found: Rehearsal) -> str:
    """Warnings and what was not as declared, for a message's end."""
    told = [sentence for _, sentence in found.doubts] + [
        n for n in found.notes if n not in dict(found.doubts).values()
    ]
    said = "".join(f"; {excerpt(t, 200)}" for t in dict.fromkeys(told[:4]))
    if found.warnings:
        more = f" and {len(found.warnings) - 1} more" if len(found.warnings) > 1 else ""
        said += f"; it warned: `{excerpt(found.warnings[0].replace('`', chr(39)), 240)}`{more}"
    return said


def _values(one: Attempt) -> str:
    shown = ", ".join(excerpt(value.replace("`", "'"), 40) for value in one.prediction[:5])
    return shown + (", …" if len(one.prediction) > 5 else "")


def _form(one: Attempt) -> str:
    return excerpt(one.form, 120)


def _answer(one: Attempt, found: Rehearsal) -> str:
    return f"The model answered `{_values(one)}` to {_form(one)} under {_versions(found)} in {_time(one.seconds)}."


def _places(found: Rehearsal) -> tuple[Place, ...]:
    """Where the environment was declared, and the script."""
    places = [found.place] if found.place is not None else []
    if found.script is not None:
        places.append(Place(found.script))
    return tuple(places)


def _where(found: Rehearsal, subject: Subject) -> Place:
    places = _places(found)
    return places[-1] if places else subject.where


def _origin(one: Attempt, found: Rehearsal) -> tuple[Place, ...]:
    return (
        (Place(one.origin, excerpt=excerpt(" ".join(one.sent.split()))),)
        if one.origin
        else _places(found)[-1:]
    )


def _requirements(found: Rehearsal, subject: Subject) -> tuple[Place, ...]:
    """The requirements.txt beside the script, where it is a file of the submission."""
    path = f"{(found.script or '').rpartition('/')[0]}/requirements.txt".lstrip("/")
    return (Place(path),) if path in subject.file_names() else ()


def _evidence(trace: Iterable[str], found: Rehearsal, subject: Subject) -> tuple[Place, ...]:
    """The student's own frames, else the script or the model."""
    model = (found.model or "").partition("!")[0]
    other = Place(found.script) if found.script else Place(model) if model else subject.where
    return _frames(trace, found, subject) or (other,)


def _frames(trace: Iterable[str], found: Rehearsal, subject: Subject) -> tuple[Place, ...]:
    """The student's own frames as places in the submission, the last one first."""
    places: list[Place] = []
    names = subject.file_names()
    for line in reversed(tuple(trace)):
        match = _FRAME.match(line)
        if match is None:
            continue
        path = _in_submission(match["path"], found, names)
        if path is not None:
            places.append(Place(path, None, int(match["line"]) or None, excerpt(match["text"]) or None))
    return tuple(dict.fromkeys(places))


def _in_submission(path: str, found: Rehearsal, names: frozenset[str]) -> str | None:
    """The file of the submission that a frame's path, relative to the code folder, means."""
    script = found.script or ""
    if "!" in script:  # the code lies in the model archive
        archive, _, member = script.partition("!")
        folder = member.rpartition("/")[0]
        return f"{archive}!{folder}/{path}" if folder else f"{archive}!{path}"
    base = script.rpartition("/")[0]
    for candidate in (f"{base}/{path}" if base else path, *([script] if script.endswith("/" + path) else [])):
        if candidate in names or candidate == script:
            return candidate
    alike = [name for name in names if name.endswith("/" + path)]
    return alike[0] if len(alike) == 1 else None
