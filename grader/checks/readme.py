"""The README of the deploy folder, and whether it lets someone repeat the deployment."""

from __future__ import annotations

from grader.checks.registry import check
from grader.checks.subject import Subject
from grader.checks.verdict import Verdict, failed, partial, passed, review
from grader.facts.instructions import understood
from grader.facts.readme import is_readme
from grader.facts.records import Place, Readme, Step
from grader.facts.steps import in_code
from grader.patterns import pattern

_STEPS: dict[Step, str] = {
    "get-model-there": "getting the model there",
    "create": "creating the deployment",
    "call": "calling it",
}
_DOCUMENT = pattern(r"(?i)\.(?:md|markdown|rst|adoc|org|pdf|docx?|odt|rtf|html?|pages)$")
_NOTES = pattern(
    r"(?i)(?:read|guide|instruc|deploy|despl|step|paso|how|setup|doc|notes?|manual|tutorial|usage|serving).*\.txt$"
)
_NO_GUIDE = pattern(
    r"(?i)^(?:license|licence|changelog|changes|contributing|code_of_conduct|security|notice|authors)\b"
)


def covers(subject: Subject, root: Readme) -> bool:
    """Whether the root's README is about the folder: it names it, or instructs and speaks of the platform."""
    if subject.folder is None:
        return False
    home = subject.folder.path
    if any(name == home or name.startswith(home + "/") for name in root.names):
        return True
    return bool(root.instructions) and subject.folder.platform in root.platforms


def judged(subject: Subject) -> Readme | None:
    """The README that is judged: the folder's own, else the root's where it covers the folder."""
    own = subject.readme()
    if own is not None:
        return own
    root = subject.root_readme()
    return root if root is not None and covers(subject, root) else None


def other_documents(subject: Subject) -> tuple[str, ...]:
    """Documents of the folder under another name or in a folder below, the likeliest first."""
    if subject.folder is None:
        return ()
    home = subject.folder.path
    read = {readme.path for readme in subject.facts.readmes}
    found = []
    for file in subject.facts.files:
        name = file.path.rpartition("/")[2]
        if not subject.inside(file.path) or file.path in read or _NO_GUIDE.match(name) or file.size == 0:
            continue
        if _DOCUMENT.search(name) or _NOTES.search(name) or is_readme(file.path):
            found.append(file.path)
    return tuple(sorted(found, key=lambda path: (path.rpartition("/")[0] != home, path.count("/"), path)))


def _unread_readme(subject: Subject) -> Place | None:
    """A README of the folder that is there and could not be read."""
    if subject.folder is None:
        return None
    read = {readme.path for readme in subject.facts.readmes}
    for file in subject.facts.files:
        if (
            file.path.rpartition("/")[0] == subject.folder.path
            and is_readme(file.path)
            and file.path not in read
        ):
            return Place(file.path)
    return None


@check("readme.present", requires=("folder.present",))
def present(subject: Subject, *, least_words: int = 1) -> Verdict:
    """The deploy folder has a README of its own

    Why: Whoever opens the folder has to find out there what it is and how to deploy it.
    Example: `aws_deploy/README.md`
    Remedy: Write a `README.md` in the deploy folder, with the steps of the deployment.
    """
    where = subject.where
    own = subject.readme()
    if own is not None and own.words >= least_words:
        return passed(f"`{own.path}` is there, with {own.words} words.", Place(own.path))
    unread = _unread_readme(subject)
    if own is None and unread is not None:
        return review(
            f"A README in `{where.path}` was expected; `{unread.path}` is there and could not be read.",
            unread,
        )
    others = other_documents(subject)
    called = [path for path in others if path.rpartition("/")[2].lower().startswith("readme")]
    if own is None and called:
        return review(
            f"A README in `{where.path}` was expected; `{called[0]}` is there, in another place or in a form that is not "
            "read here.",
            *(Place(path) for path in called),
            hint="Call the document `README.md`, and put it directly into the deploy folder.",
        )
    if any(u.path == "." for u in subject.facts.unread):
        return review(
            f"A README in `{where.path}` was expected; not all files of the submission were listed.", where
        )
    root = subject.root_readme()
    if root is not None and root.words >= least_words and covers(subject, root):
        return partial(
            f"A README of its own in `{where.path}` was expected; `{root.path}` at the root covers it instead.",
            Place(root.path),
            hint="Move the part on the deployment into a `README.md` in the deploy folder.",
        )
    if own is not None:
        return failed(
            f"A README of at least {least_words} words was expected; `{own.path}` has {own.words}.",
            Place(own.path),
        )
    if others:
        return failed(
            f"A README in `{where.path}` was expected; there is none, only another document, `{others[0]}`.",
            *(Place(path) for path in others),
            hint=f"Rename `{others[0].rpartition('/')[2]}` to `README.md`, directly in the deploy folder.",
        )
    empty = [r for r in subject.facts.readmes if subject.inside(r.path)]
    if empty:
        return failed(
            f"A README with text in it was expected; `{empty[0].path}` is empty.", Place(empty[0].path)
        )
    return failed(f"A README in `{where.path}` was expected; there is none.", where)


@check("readme.instructions", requires=("readme.present",))
def instructions(subject: Subject, *, least_words: int = 25) -> Verdict:
    """The README lets someone repeat the deployment

    Why: A deployment that only its author can repeat is lost with its author.
    Example: "Upload the archive with `aws s3 cp model.tar.gz s3://bucket/`, run `python deploy.py` to create the
        endpoint, then `python invoke_endpoint.py` to ask it for a prediction."
    Remedy: Say three things in the README, by command, by script or by clicks in the console: how the model gets to
        the cloud, how the endpoint or version is created, and how it is called.
    """
    readme = judged(subject)
    if readme is None:
        others = other_documents(subject)
        at = tuple(Place(path) for path in others) or (subject.where,)
        return review(
            "Instructions for the deployment were expected, and the document that may hold them was not read.",
            *at,
        )
    found = _steps(subject, readme)
    missing = [name for step, name in _STEPS.items() if step not in found]
    evidence = tuple(found[step] for step in _STEPS if step in found)
    if not missing and readme.words < least_words and _only_told(readme, evidence):
        return review(
            f"Instructions that let someone repeat the deployment were expected; `{readme.path}` names the three "
            f"steps in {readme.words} words, and whether that is enough was not decided.",
            *evidence,
        )
    if not missing:
        return passed(
            f"`{readme.path}` says how the model gets there, how it is deployed and how it is called.",
            *evidence,
        )
    asked = "Instructions for getting the model there, creating the deployment and calling it were expected"
    if not readme.judgeable:
        why = (
            "but for pictures and links it says little"
            if readme.language is None or understood(readme.language)
            else f"in a language ({readme.language}) that is not understood here"
        )
        return review(f"{asked}; `{readme.path}` is there, {why}.", Place(readme.path), *evidence)
    unseen = _unseen(subject, readme)
    if unseen:
        return review(
            f"{asked}; `{readme.path}` hands over to `{unseen[0]}`, which was not read to its end.",
            *(Place(path) for path in unseen),
            *evidence,
        )
    if found:
        return partial(
            f"{asked}; `{readme.path}` leaves out {' and '.join(missing)}.",
            *evidence,
            fraction=len(found) / len(_STEPS),
            hint=f"Add to the README: {' and '.join(missing)}.",
        )
    if readme.lab_text:
        return failed(f"{asked}; what `{readme.path}` holds is the assignment's text.", Place(readme.path))
    return failed(
        f"{asked}; in `{readme.path}` ({readme.words} words) none of the three was found.", Place(readme.path)
    )


def _only_told(readme: Readme, evidence: tuple[Place, ...]) -> bool:
    """Whether all that was found are sentences: no command, no code, nothing that a script does."""
    return all(place.path == readme.path for place in evidence) and all(
        sign.by == "prose" for sign in readme.instructions
    )


def _steps(subject: Subject, readme: Readme) -> dict[Step, Place]:
    """Where each step is instructed: in the README itself, or in what it says to run."""
    found: dict[Step, Place] = {}
    for sign in readme.instructions:
        found.setdefault(sign.step, Place(readme.path, line=sign.line, excerpt=sign.text))
    run = frozenset(readme.runs)
    for done in subject.facts.steps:
        if done.path in run:
            found.setdefault(done.step, Place(done.path, done.cell, done.line))
    for command in subject.facts.commands:
        if command.path in run:
            line = " ".join((command.program, command.verb, *command.arguments))
            for step, _, _ in in_code(line):
                found.setdefault(step, Place(command.path, command.cell, command.line))
    for upload in subject.facts.uploads:
        if upload.path in run and upload.by != "dump":
            found.setdefault("get-model-there", Place(upload.path, upload.cell, upload.line))
    return found


def _unseen(subject: Subject, readme: Readme) -> tuple[str, ...]:
    """What the README says to run and could not be read."""
    unread = {note.path for note in subject.facts.unread}
    return tuple(path for path in readme.runs if path in unread)
