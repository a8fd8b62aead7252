"""The facts of a submission, as frozen records.

`grade inspect` prints exactly these (contract, section 4): a field that the contract names keeps its name and meaning;
what checks need beyond that stands beside it. Absent things are empty tuples, unknown values None. ``cell`` is the
0-based index among all cells of a notebook (None outside notebooks), ``line`` is 1-based within the file or the cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal, NamedTuple

Via = Literal["module", "writefile", "cell", "string", "method", "nested"]
"""Where code stands: a file's top level, a ``%%writefile`` cell, a code cell, text in a literal, a class, a function."""


class Place(NamedTuple):
    """A place in the submission, for evidence. ``excerpt`` is the line there, never a secret."""

    path: str
    cell: int | None = None
    line: int | None = None
    excerpt: str | None = None


class File(NamedTuple):
    """A file of the submission. ``lfs``: it is a Git LFS pointer; ``here``: its bytes are at hand."""

    path: str
    size: int | None
    lfs: bool = False
    here: bool = True


class DeployFolder(NamedTuple):
    """A folder that holds, by its name, a platform's deployment. ``exact``: ``{platform}_deploy`` at the root."""

    path: str
    platform: str
    exact: bool


class Illustration(NamedTuple):
    """What a document shows or links to as a picture, a video or a PDF.

    ``kind``: ``local`` (``target`` is the path of a file in the submission), ``missing`` (a local path that is not
    there), ``remote`` (an address), ``attachment`` (inside a notebook cell), ``output`` (a picture that a notebook's
    run left), ``video``, ``pdf``. ``decoration``: a badge, a logo, an icon - by address or name and place.
    """

    path: str
    cell: int | None
    line: int | None
    kind: Literal["local", "missing", "remote", "attachment", "output", "video", "pdf"]
    target: str
    alt: str = ""
    embedded: bool = True
    decoration: bool = False


Step = Literal["get-model-there", "create", "call"]
"""The three things that deployment instructions have to say."""


class Instruction(NamedTuple):
    """A sign, in a README, of one of the three steps: a command, code, a script it names, or a sentence."""

    step: Step
    line: int
    by: Literal["command", "code", "script", "prose"]
    text: str


class CodeStep(NamedTuple):
    """A line of a script or notebook that does one of the three steps: what a README may hand over to it."""

    path: str
    cell: int | None
    line: int
    step: Step


class Readme(NamedTuple):
    """A README at the root or in a deploy folder.

    ``words`` are whitespace-separated. ``images`` are targets as written. ``judgeable`` is False where the text is long
    enough but in a language or form whose instructions are not understood here; ``platforms``: those it speaks of;
    ``names``: the folders and files of the submission that it names; ``runs``: the scripts and notebooks among them that
    it says to run; ``lab_text``: it is the assignment, pasted; ``model_addresses``: the cloud addresses of model files, or
    of folders that it says hold the model.
    """

    path: str
    words: int
    images: tuple[str, ...]
    code_blocks: int
    instructions: tuple[Instruction, ...] = ()
    language: str | None = None
    judgeable: bool = True
    platforms: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    lab_text: bool = False
    runs: tuple[str, ...] = ()
    model_addresses: tuple[str, ...] = ()


class Image(NamedTuple):
    """An image file, by ending. ``format`` is what the bytes are; width and height in pixels, None where unknown.

    ``kind`` is what can be said of it without reading it optically: ``plot`` (a chart), ``decoration`` (logo, icon,
    badge), ``tiny``, else ``picture``. ``duplicate_of``: the same bytes as an earlier image. ``digest``: their SHA-256.
    """

    path: str
    format: str | None
    width: int | None
    height: int | None
    embedded_in: tuple[str, ...] = ()
    kind: Literal["picture", "plot", "decoration", "tiny"] = "picture"
    duplicate_of: str | None = None
    problem: str | None = None
    digest: str | None = None


class Notebook(NamedTuple):
    """A notebook that was read. ``cells`` counts all cells; ``nbformat`` is the major version it is written in."""

    path: str
    cells: int
    nbformat: int


class Source(NamedTuple):
    """A Python source that was read: ``whole`` if every line parsed, ``python2`` if only Python 2 explains it."""

    path: str
    lines: int
    whole: bool
    python2: bool = False


class WrittenFile(NamedTuple):
    """A file that a ``%%writefile`` cell or a program writes: it exists where the notebook ran, maybe not here.

    ``path`` and ``cell`` say where it is written, ``target`` where to (None if undecidable). ``by``: ``writefile`` or
    ``string`` (a literal that is written by ``open().write``).
    """

    path: str
    cell: int | None
    line: int
    target: str | None
    by: Literal["writefile", "string"]


class WrittenText(NamedTuple):
    """The text that is written to ``target``, for those who need the file itself. ``append``: added to what it holds.

    ``line`` is where its first line stands. Not printed by ``grade inspect``.
    """

    path: str
    cell: int | None
    line: int
    target: str
    text: str
    append: bool = False


class ModelFn(NamedTuple):
    """A function called ``model_fn`` (contract, section 4, says what each field means).

    ``is_async``, ``decorated`` and ``defined_in`` (the module of the repository it is re-exported from) tell how it got
    its name; ``returns_none`` is a line where it may return nothing, ``script`` the file that holds it (of a
    ``%%writefile`` cell: the target), ``names`` how the path is reached (``parameter``, ``environment``, ``absolute``,
    ``file``, ``relative``, ``module-level``, ``listing``). ``uncertain`` says what could not be decided.
    ``source_whole`` is False where no Python 3 parses the source that it stands in. ``alternatives``: the files of each
    way that it may return, where it asks first which of them are there. ``followed`` is False where it was too long, or
    nested too deeply, to be followed to its end: what it returns is not known then.
    """

    path: str
    cell: int | None
    line: int
    via: Via
    parameters: tuple[str, ...]
    callable_with_one: bool
    loader: str | None
    loads: tuple[str, ...]
    from_model_dir: bool | None
    returns_on_all_paths: bool
    estimator_homonym: bool
    script: str | None = None
    is_async: bool = False
    decorated: bool = False
    defined_in: str | None = None
    returns_none: int | None = None
    names: tuple[str, ...] = ()
    uncertain: tuple[str, ...] = ()
    source_whole: bool = True
    alternatives: tuple[tuple[str, ...], ...] = ()
    followed: bool = True


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A call that makes a SageMaker model or estimator. Values through variables are resolved, else None.

    ``class_name`` is printed as ``class``. ``script`` is the file in the repository that ``entry_point`` (with
    ``source_dir``) names, resolved, ``entry_point_given`` whether the argument is there at all;
    ``image`` is an image URI or what ``image_uris.retrieve`` was asked for, ``image_given`` whether there is one at all,
    known or not. ``dependencies`` are files and folders that
    are shipped beside the script, None where they cannot be told. ``declared``: no call but the same in a template, a
    request or a command of the AWS CLI (``create_model``'s container definition); ``grade inspect`` lists those apart.
    """

    path: str
    cell: int | None
    line: int
    via: Via
    class_name: str = field(metadata={"json": "class"})
    entry_point: str | None
    source_dir: str | None
    model_data: str | None
    framework_version: str | None
    entry_point_given: bool = False
    framework_version_given: bool = False
    submit_directory: str | None = None
    script: str | None = None
    image: str | None = None
    framework: str | None = None
    source_dir_given: bool = False
    dependencies: tuple[str, ...] | None = ()
    declared: bool = False
    image_given: bool = False


class Archive(NamedTuple):
    """An archive. ``members`` are its regular files as named in it, ``problem`` why the rest could not be listed."""

    path: str
    members: tuple[str, ...]
    kind: Literal["model", "source", "other", "empty"] = "other"
    problem: str | None = None


class Model(NamedTuple):
    """A serialized model, alone or as a member of an archive; read inertly (contract, section 4).

    ``dangerous``: names that would run code or reach outside at load. ``excused``: names among ``globals`` that can do
    harm and do what models need here (a bound method by ``getattr``). ``protocol``: the highest met; ``numpy2``: whether
    NumPy 2 wrote it; ``steps``: a pipeline's classes; ``size`` in bytes as stored.
    """

    path: str
    member: str | None
    format: str | None
    compression: str | None
    class_name: str | None = None
    sklearn_versions: tuple[str, ...] = ()
    n_features: int | None = None
    globals: tuple[str, ...] = ()
    dangerous: tuple[str, ...] = ()
    problem: str | None = None
    size: int | None = None
    protocol: int | None = None
    steps: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    numpy2: bool | None = None
    lfs: bool = False
    excused: tuple[str, ...] = ()


class Use(NamedTuple):
    """A live use of something: ``.as_matrix()``, ``sklearn.externals``, a table's ``.values()``.

    ``guarded``: an import in a ``try`` that has another way for when it fails; it works with any version.
    """

    path: str
    cell: int | None
    line: int
    guarded: bool = False


class Version(NamedTuple):
    """One deployment's declaration on AI Platform or Vertex AI (contract, section 4).

    Blank in the file is ``""``, absent None. ``service``: which of the two; ``unresolved``: a value is written there
    but could not be resolved (then it is None too). ``framework`` as declared. ``origin`` is the folder that the model is
    taken from (``--origin``, ``deploymentUri``, ``--artifact-uri``), ``declared_by`` the script whose command names the
    file that this stands in.
    """

    path: str
    cell: int | None
    line: int
    form: Literal["flag", "yaml", "json", "python", "shell-variable"]
    runtime_version: str | None
    python_version: str | None
    container: str | None
    service: Literal["ai-platform", "vertex"] = "ai-platform"
    framework: str | None = None
    unresolved: tuple[str, ...] = ()
    via: Literal["code", "readme"] = "code"
    origin: str | None = None
    declared_by: str | None = None


class Command(NamedTuple):
    """A command of a shell, wherever it stands. ``verb`` is without ``alpha``, ``beta`` and global flags.

    ``arguments`` are what follows the verb, with variables resolved where they can be.
    """

    path: str
    cell: int | None
    line: int
    program: str
    verb: str
    arguments: tuple[str, ...] = ()
    via: Literal["code", "readme"] = "code"


class Upload(NamedTuple):
    """A file put into cloud storage, or a model saved under a name: what a deployment was made from.

    ``source`` is the local file (as written, resolved through variables), ``target`` the address or name.
    ``by``: ``command``, ``python`` (a client library), ``dump`` (``joblib.dump(model, "model.joblib")``).
    """

    path: str
    cell: int | None
    line: int
    source: str | None
    target: str | None
    by: Literal["command", "python", "dump"]


class EntryName(NamedTuple):
    """An entry point that a data file names as ``SAGEMAKER_PROGRAM``."""

    path: str
    line: int
    name: str


class Packing(NamedTuple):
    """A file or folder that a program puts into an archive (``tarfile``, ``shutil.make_archive``).

    ``source`` is what is packed, as written, ``member`` its name inside (``.`` for the contents of a folder); None where
    it cannot be told.
    """

    path: str
    cell: int | None
    line: int
    source: str | None
    member: str | None


class Tutorial(NamedTuple):
    """A notebook or script outside the deploy folders that is one of the lab's two tutorials, whatever its name."""

    path: str
    platform: Literal["aws", "gcp"]
    signs: tuple[str, ...]


class Secret(NamedTuple):
    """A cloud credential in a file. Its text is not kept. In a notebook's output, ``line`` counts within its text."""

    path: str
    cell: int | None
    line: int
    kind: str


class Unread(NamedTuple):
    """What should have been read and could not be. ``why`` is brief and free of the submission's control characters."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of one submission."""

    files: tuple[File, ...] = ()
    folders: tuple[str, ...] = ()
    deploy_folders: tuple[DeployFolder, ...] = ()
    readmes: tuple[Readme, ...] = ()
    images: tuple[Image, ...] = ()
    illustrations: tuple[Illustration, ...] = ()
    notebooks: tuple[Notebook, ...] = ()
    sources: tuple[Source, ...] = ()
    written_files: tuple[WrittenFile, ...] = ()
    written_texts: tuple[WrittenText, ...] = field(default=(), metadata={"json": None})
    model_fns: tuple[ModelFn, ...] = ()
    model_calls: tuple[ModelCall, ...] = ()
    archives: tuple[Archive, ...] = ()
    models: tuple[Model, ...] = ()
    as_matrix: tuple[Use, ...] = ()
    values_called: tuple[Use, ...] = ()
    sklearn_externals: tuple[Use, ...] = ()
    versions: tuple[Version, ...] = ()
    commands: tuple[Command, ...] = ()
    uploads: tuple[Upload, ...] = ()
    packings: tuple[Packing, ...] = ()
    entry_names: tuple[EntryName, ...] = ()
    steps: tuple[CodeStep, ...] = ()
    tutorials: tuple[Tutorial, ...] = ()
    secrets: tuple[Secret, ...] = ()
    unread: tuple[Unread, ...] = ()


def to_json(record: object) -> Any:
    """A record as plain JSON values: tuples become lists, ``class_name`` is called ``class``, texts are left out."""
    if is_dataclass(record) and not isinstance(record, type):
        names = {f.name: f.metadata.get("json", f.name) for f in fields(record)}
        return {told: to_json(getattr(record, name)) for name, told in names.items() if told is not None}
    if isinstance(record, tuple) and hasattr(record, "_fields"):  # a NamedTuple, as most records are
        return {
            "class" if k == "class_name" else k: to_json(v)
            for k, v in zip(record._fields, record, strict=True)
        }
    if isinstance(record, tuple | list):
        return [to_json(item) for item in record]
    if isinstance(record, Mapping):
        return {str(key): to_json(value) for key, value in record.items()}
    return record
