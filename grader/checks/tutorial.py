"""The lab's tutorials, brought up to date as the assignment asks."""

from __future__ import annotations

import posixpath
import re

from grader.checks import declarations
from grader.checks.registry import check
from grader.checks.subject import Subject
from grader.checks.verdict import Verdict, failed, not_applicable, passed, review
from grader.facts.records import Facts, Place, Tutorial, Use, Version
from grader.facts.tutorials import CENSUS
from grader.text import excerpt

_EXTERNALS_GONE = (0, 23)
"""The scikit-learn in which ``sklearn.externals.joblib`` was removed (its change log for 0.23, 2020-05)."""
_ABSENT = (
    "No notebook or script outside the deploy folders creates an AI Platform version or uses its census data."
)


def _tutorials(facts: Facts) -> tuple[Tutorial, ...]:
    return tuple(t for t in facts.tutorials if t.platform == "gcp")


def _may_be_the_tutorial(subject: Subject) -> tuple[Place, ...]:
    """Files that were not read and may be the GCP tutorial.

    A Python source that was read in part showed none of the tutorial's signs, so it is none.
    """
    read = {source.path for source in subject.facts.sources}
    read |= {notebook.path for notebook in subject.facts.notebooks}
    out: dict[Place, None] = {}
    for item in subject.facts.unread:
        path = item.path.lower()
        if item.path == "." or (
            path.endswith((".ipynb", ".py"))
            and item.path not in read
            and not subject.in_any_deploy_folder(item.path)
        ):
            out[Place(item.path)] = None
    return tuple(out)


def _without_tutorial(subject: Subject) -> Verdict:
    unread = _may_be_the_tutorial(subject)
    if unread:
        return review(
            "The GCP tutorial was looked for; it was not found, but what could not be read here may be it.",
            *unread,
        )
    return not_applicable(_ABSENT)


def _uses(uses: tuple[Use, ...]) -> tuple[Place, ...]:
    return tuple(Place(use.path, use.cell, use.line) for use in uses)


@check("tutorial.as-matrix")
def as_matrix(subject: Subject) -> Verdict:
    """No live `.as_matrix()` is left

    Why: pandas removed `.as_matrix()` in 1.0; the tutorial's cell fails with it.
    Example: `train_features = raw_training_data.drop("income-level", axis=1).values.tolist()`
    Remedy: Replace `.as_matrix()` by `.values` (no parentheses) or `.to_numpy()`, on every line that has it.
    """
    uses = subject.facts.as_matrix
    if uses:
        count = "one live use is" if len(uses) == 1 else f"{len(uses)} live uses are"
        return failed(f"`.as_matrix()` should be replaced by `.values`; {count} left.", *_uses(uses))
    called = subject.facts.values_called
    if called:
        return failed(
            "`.as_matrix()` should be replaced by `.values`, which is no function; here it is called, as `.values()`.",
            *_uses(called),
        )
    if _tutorials(subject.facts):
        return passed("No live `.as_matrix()` is left.")
    return _without_tutorial(subject)


@check("tutorial.externals")
def externals(subject: Subject) -> Verdict:
    """`joblib` is imported by itself, not out of scikit-learn

    Why: `sklearn.externals.joblib` is gone since scikit-learn 0.23; on an older container (0.20.0) it is right.
    Example: `import joblib`
    Remedy: Replace `from sklearn.externals import joblib` by `import joblib`, unless the declared scikit-learn is
    older than 0.23.
    """
    wrong = tuple(
        use
        for use in subject.facts.sklearn_externals
        if not use.guarded and not _older_there(subject.facts, use)
    )
    if wrong:
        return failed(
            "`joblib` should be imported by itself where scikit-learn is 0.23 or newer; "
            "`sklearn.externals` is still imported.",
            *_uses(wrong),
        )
    if _tutorials(subject.facts) or subject.facts.sklearn_externals:
        return passed("No live `sklearn.externals.joblib` is left where scikit-learn is 0.23 or newer.")
    return _without_tutorial(subject)


def _older_there(facts: Facts, use: Use) -> bool:
    """Whether the scikit-learn that runs the file of ``use`` is declared, and is older than 0.23.

    Declared by the model or estimator whose script it is, or that stands in the same file.
    """
    found: list[tuple[int, int]] = []
    for call in facts.model_calls:
        # A call whose source folder is only made when it runs has no script here; its name tells.
        named = call.script is None and bool(call.entry_point)
        named = named and posixpath.basename(call.entry_point or "") == posixpath.basename(use.path)
        if use.path not in (call.script, call.path) and not named:
            continue
        # Version 2 of the SDK asks for a framework version or an image; version 1 has 0.20.0 where there is neither.
        first_sdk = call.framework == "sklearn" and not (call.framework_version_given or call.image_given)
        told = "0.20.0" if first_sdk else call.framework_version
        version = re.match(r"([0-9]+)\.([0-9]+)", told or "")
        if version:
            found.append((int(version.group(1)), int(version.group(2))))
    return bool(found) and all(version < _EXTERNALS_GONE for version in found)


def _declared(facts: Facts) -> tuple[Version, ...]:
    """What the tutorial declares, the last of each file; files with the tutorial's own data count before others."""
    tutorials = _tutorials(facts)
    census = {t.path for t in tutorials if CENSUS in t.signs}
    every = {t.path for t in tutorials}
    for paths in (census, every):
        own = [v for v in facts.versions if v.via == "code" and (v.path in paths or v.declared_by in paths)]
        if own:
            return declarations.lasting(own)
    return ()


@check("tutorial.runtime-version")
def runtime_version(subject: Subject, *, least_runtime: str = "2.4") -> Verdict:
    """The GCP tutorial was done on a current runtime

    Why: the tutorial's runtime 1.4 has a scikit-learn that cannot read a model written today.
    Example: `runtimeVersion: '2.4'` in `config.yaml`
    Remedy: Give runtime 2.4 or newer where the version is created, in whatever form.
    """
    least = declarations.runtime_of(least_runtime, "least_runtime")
    tutorials = _tutorials(subject.facts)
    if not tutorials:
        return _without_tutorial(subject)
    counted = _declared(subject.facts)
    if counted:
        return declarations.best(declarations.judge_runtime(v, least) for v in counted)
    return review(
        f"The tutorial's runtime should be {excerpt(least_runtime, 20)} or newer; no command or file declares one, "
        "so it was left to the console.",
        *(Place(t.path) for t in tutorials),
    )


@check("tutorial.python-version")
def python_version(subject: Subject) -> Verdict:
    """The GCP tutorial leaves the Python version blank

    Why: the assignment asks for it: the tutorial's 3.5 is out of date, and the runtime brings its own.
    Example: `pythonVersion` removed from `config.yaml`
    Remedy: Remove the Python version, or leave it empty.
    """
    if not _tutorials(subject.facts):
        return _without_tutorial(subject)
    counted = [v for v in _declared(subject.facts) if v.service == "ai-platform"]
    if not counted:
        return not_applicable("The tutorial declares no AI Platform version by a command or a file.")
    return declarations.best(declarations.judge_python(v) for v in counted)
