"""The declarations of runtimes and containers that a folder's deployment on GCP is made of."""

from __future__ import annotations

from collections.abc import Iterable

from grader.facts.counted.subject import Subject
from grader.facts.records import Version


def lasting(versions: Iterable[Version]) -> tuple[Version, ...]:
    """Of each file the declaration that comes last: versions made one after another replace each other."""
    last: dict[str, Version] = {}
    for version in versions:
        last[version.declared_by or version.path] = version
    return tuple(last.values())


def of_deployment(subject: Subject) -> tuple[Version, ...]:
    """The declarations that the folder's deployment is made of, one a script; of a README every one.

    Code in the folder counts first, then code that its README names, then what READMEs tell the reader to
    type: the folder's own, else the root's.
    """
    versions = subject.facts.versions
    code = [v for v in versions if v.via == "code"]
    inside = [v for v in code if subject.inside(v.path) or subject.inside(v.declared_by or "")]
    if inside:
        return lasting(inside)
    readme = subject.readme() or subject.root_readme()
    if readme is None:
        return ()
    named = [v for v in code if v.path in readme.names or (v.declared_by or "") in readme.names]
    if named and subject.readme() is not None:
        return lasting(named)
    return tuple(v for v in versions if v.via == "readme" and v.path == readme.path)
