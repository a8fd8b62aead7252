"""What to rehearse, with which payload, in which environment: read from the facts; nothing is run here.

The script, the model and the archive are those that the checks judge (:mod:`grader.facts.counted`), laid out as the
platform does. Where a submission leaves something open, the likeliest is taken and a doubt says so: what fails for it
is a person's to judge.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from grader.asking.payloads import Payload, candidates
from grader.facts.asked import Rehearsal, into, out
from grader.facts.counted.subject import Subject
from grader.facts.records import DeployFolder, Facts, Model
from grader.isolation import OutOfTime, cpu_budget
from grader.limits import Limits
from grader.rehearsal.laid import Laid, Nothing
from grader.rehearsal.ongoogle import on_google
from grader.rehearsal.onsagemaker import on_sagemaker
from grader.rehearsal.stage import NotStaged, Stage
from grader.rehearsal.versions import Served, Undecided
from grader.submission.tree import Tree
from grader.text import excerpt

_MOST_NOTES = 8

MODEL_DIR = "/opt/ml/model"
"""Where SageMaker unpacks the model archive; the model's folder lies there for the other contracts too."""

CODE_DIR = "/opt/ml/code"
"""Where SageMaker unpacks the script and what is shipped with it."""


class Order(NamedTuple):
    """A rehearsal to carry out: plain values, but for ``payloads``; see :meth:`to_json`.

    ``contract``: ``sagemaker``, ``vertex``, ``ai-platform``. ``python`` and ``packages`` are what the environment is made
    of (a version or its series), ``requirements`` lines of the student's. ``stage`` is the folder with ``model`` and
    ``code`` in it; ``program`` the script below ``code_dir``, a path inside the sandbox. ``seconds``, ``memory`` (bytes) and
    ``processes`` bound the rehearsal, ``environment_seconds`` the building of its environment. ``about`` is what is
    known of the rehearsal before it begins.
    """

    platform: str
    contract: str
    python: str | None
    packages: tuple[tuple[str, str], ...]
    requirements: tuple[str, ...]
    stage: str
    program: str | None
    code_dir: str | None
    transform_fn: bool
    payloads: tuple[Payload, ...]
    seconds: float
    memory: int
    processes: int
    environment_seconds: float
    about: Rehearsal

    def to_json(self) -> dict[str, Any]:
        """The order as JSON values."""
        raw = self._asdict()
        raw["payloads"] = [
            {**p._asdict(), "body": base64.b64encode(p.body).decode("ascii")} for p in self.payloads
        ]
        raw["about"] = out(self.about)
        return raw

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Order:
        """The order that :meth:`to_json` made ``raw`` of."""
        values = dict(raw)
        values["packages"] = tuple((name, version) for name, version in raw["packages"])
        values["requirements"] = tuple(raw["requirements"])
        values["payloads"] = tuple(
            Payload(**{**p, "body": base64.b64decode(p["body"])}) for p in raw["payloads"]
        )
        values["about"] = into(Rehearsal, dict(raw["about"]))
        return cls(**values)


def plan(
    facts: Facts, tree: Tree, folder: DeployFolder, platform: str, limits: Limits, stage_folder: Path
) -> Rehearsal | Order:
    """What to rehearse of the deployment in ``folder``; its files are written below ``stage_folder``, an empty folder.

    A ``Rehearsal`` where nothing can be: its outcome is ``nothing`` or ``undecided``, its problem says why.
    """
    subject = Subject(facts, platform, folder)
    try:
        with cpu_budget(limits.read_seconds):
            stage = Stage(stage_folder, limits)
            laid = (on_sagemaker if platform == "aws" else on_google)(subject, tree, stage)
            return _order(subject, tree, limits, stage, laid)
    except Nothing as problem:
        return Rehearsal(platform, "nothing", str(problem), lacks=problem.lacks)
    except (Undecided, NotStaged) as problem:
        return Rehearsal(platform, "undecided", str(problem))
    except (OutOfTime, MemoryError, RecursionError):
        return Rehearsal(platform, "undecided", "Reading what is to be rehearsed takes more than it may.")
    except Exception as problem:  # a defect of ours costs this rehearsal, and no other verdict
        told = excerpt(f"{type(problem).__name__}: {problem}", 200)
        return Rehearsal(platform, "unavailable", f"The grader failed to plan it: {told}.")


def _order(subject: Subject, tree: Tree, limits: Limits, stage: Stage, laid: Laid) -> Order:
    served: Served = laid.served
    payloads = candidates(
        subject.facts, tree.read, subject.folder or DeployFolder("", laid.platform, exact=False), laid.platform,
        model=_asked_of(laid.models), script=laid.script_text,
    )  # fmt: skip
    requirements, refused = _requirements(laid)
    left_out = tuple(("requirements", note) for note in refused)
    stage.folders("model", "code")
    left = [
        *stage.notes[:_MOST_NOTES],
        *(["more files were left out"] if len(stage.notes) > _MOST_NOTES else []),
    ]
    notes = (*served.notes, *laid.notes, *left, *refused)
    about = Rehearsal(
        laid.platform, "asked",
        model=laid.model, script=laid.script, declared=served.declared, place=served.place,
        notes=notes, payload_problem=payloads.problem, contract=served.contract, handlers=laid.handlers,
        doubts=(*served.doubts, *laid.doubts, *left_out),
    )  # fmt: skip
    return Order(
        platform=laid.platform,
        contract=served.contract,
        python=served.python,
        packages=served.packages,
        requirements=requirements,
        stage=str(stage.folder),
        program=laid.program,
        code_dir=laid.code_dir,
        transform_fn=served.transform_fn,
        payloads=payloads.tried,
        seconds=limits.rehearsal_seconds,
        memory=limits.rehearsal_memory,
        processes=limits.rehearsal_processes,
        environment_seconds=limits.environment_seconds,
        about=about,
    )


def _asked_of(models: tuple[Model, ...]) -> Model | None:
    """The model that a request is made for: of several files that are loaded, the one that predicts."""
    knowing = [m for m in models if m.n_features is not None or m.feature_names]
    return max(knowing or models, key=_predicts, default=None)


def _predicts(model: Model) -> int:
    name = model.class_name or ""
    if name.startswith(
        ("sklearn.preprocessing", "sklearn.impute", "sklearn.feature_extraction", "builtins.")
    ):
        return 0
    return 2 if name.startswith("sklearn.pipeline") else 1


def _requirements(laid: Laid) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(lines that are installed, sentences on those that are not) of the code folder's requirements.txt."""
    if laid.requirements is None:
        return (), ()
    from grader.rehearsal.requirements import sift

    sifted = sift(laid.requirements)
    told = tuple(
        f"line {number} of requirements.txt was left out ({why})" for number, _, why in sifted.refused[:5]
    )
    more = len(sifted.refused) - len(told)
    return sifted.taken, (*told, *((f"{more} more lines of it were left out",) if more > 0 else ()))
