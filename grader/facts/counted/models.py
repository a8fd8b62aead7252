"""The serialized files that belong to one platform's deployment."""

from __future__ import annotations

import posixpath

from grader.facts.counted.scripts import concerns
from grader.facts.counted.subject import Subject
from grader.facts.records import Model

# A pickle of one of these holds a table or a list, unless a model is among its names.
_CONTAINERS = ("pandas.", "builtins.", "collections.", "numpy.", "scipy.sparse", "datetime.")


def resolved(subject: Subject, written: str, script: str) -> str | None:
    """The file of the submission that a relative path means: from the script's folder, the root, the deploy folder."""
    path = written.removeprefix("file://")
    if not path or "://" in path:
        return None
    homes = [posixpath.dirname(script), "", subject.folder.path if subject.folder else ""]
    names = subject.file_names()
    for home in homes:
        found = posixpath.normpath(posixpath.join(home, path)).lstrip("/")
        if found in names:
            return found
    return None


def referred_to(subject: Subject) -> set[str]:
    """Files outside the folder that the deployment uploads, names as its model's data, or whose README names them."""
    found: set[str | None] = set()
    for upload in subject.facts.uploads:
        if upload.source and upload.by != "dump" and concerns(subject, upload.path):
            found.add(resolved(subject, upload.source, upload.path))
    for call in subject.facts.model_calls:
        if call.model_data and concerns(subject, call.path):
            found.add(resolved(subject, call.model_data, call.path))
    readme = subject.readme() or subject.root_readme()
    if readme is not None:
        named = {resolved(subject, name, readme.path) for name in readme.names}
        if any(subject.inside(model.path) for model in subject.facts.models):
            # `model.joblib` in the text is then this deployment's, not the file of that name in another's folder.
            named = {path for path in named if path is None or not subject.in_any_deploy_folder(path)}
        found.update(named)
    return {path for path in found if path is not None}


def of_deployment(subject: Subject) -> tuple[Model, ...]:
    """The serialized files of the deployment: in the folder, or where it refers to."""
    referred = referred_to(subject)
    return tuple(m for m in subject.facts.models if subject.inside(m.path) or m.path in referred)


def is_estimator(model: Model) -> bool:
    """Whether a serialized file holds a model, not just data: a table, a list of columns."""
    if model.format is None:
        return False
    if model.class_name is None or not model.class_name.startswith(_CONTAINERS):
        return True
    return any(
        not name.startswith((*_CONTAINERS, "joblib.", "_codecs.", "copyreg.")) for name in model.globals
    )
