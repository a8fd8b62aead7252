"""READMEs and other documents: their words, pictures, code blocks, what they name, and what they instruct."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from grader.facts import illustrations, images, instructions, markdown, steps
from grader.facts.code import CodeBlock, NotebookDocument
from grader.facts.documents import Document, html_tags, in_words, read_lightly
from grader.facts.records import CodeStep, Illustration, Instruction, Readme
from grader.facts.shell import build_steps
from grader.patterns import pattern

# What may be called README and is no text for people.
_NO_TEXT = pattern(
    r"(?i)\.(?:pdf|docx?|odt|rtf|pptx?|xlsx?|pages|ipynb|pyc?|sh|bat|cmd|js|ts|css|json|ya?ml|toml|xml|csv|zip|t?gz|tar"
    r"|rar|7z|mp4|mov|webm|avi|lnk|url|bak~?|swp|png|jpe?g|gif|svg|webp|bmp|tiff?|ico|heic|drawio)$"
)


class ReadmeDocument(NamedTuple):
    """A document: the facts on it, what it shows, and its code for those who read commands and Python."""

    readme: Readme
    illustrations: tuple[Illustration, ...]
    code_blocks: tuple[CodeBlock, ...]


def is_readme(path: str) -> bool:
    """Whether a file is called ``README*``, in any case, and may be text."""
    name = path.rpartition("/")[2]
    return name[:6].lower() == "readme" and not _NO_TEXT.search(name)


def _parsed(path: str, text: str) -> Document:
    ending = path.lower().rpartition("/")[2].rpartition(".")[2]
    if ending in ("rst", "rest"):
        return read_lightly(text, rst=True)
    if ending in ("html", "htm"):
        document = Document()
        plain = html_tags(document, 1, text[:1_000_000])
        in_words(document, 1, plain)
        document.say(1, plain)
        return document
    if ending in ("adoc", "asciidoc", "org", "textile"):
        return read_lightly(text)
    return markdown.read(text)


def read(path: str, text: str, paths: frozenset[str]) -> ReadmeDocument:
    """What a README, or another document, says. ``paths`` are the files of the submission.

    Bounded in time and memory for any text; never raises for its content. Pictures, places and code blocks are in the
    order of their lines.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    document = _parsed(path, text)
    document.pictures.sort(key=lambda picture: picture.line)
    shown = illustrations.of_document(document, path, paths)
    prose = " ".join(piece.text for piece in document.prose)[:200_000]
    language = instructions.language_of(prose)
    lab = instructions.lab_marks(text[:500_000]) >= 2
    found = instructions.find(document, language)
    readme = Readme(
        path=path,
        words=len(text.split()),
        images=tuple(dict.fromkeys(picture.target for picture in document.pictures)),
        code_blocks=len(document.blocks),
        instructions=found,
        language=language,
        judgeable=_judgeable(prose, language, document, shown, found),
        platforms=_platforms(text),
        names=_names(path, text, paths),
        lab_text=lab,
        runs=_resolved(path, instructions.runs(document), paths),
        model_addresses=_model_addresses(text),
    )
    blocks = tuple(CodeBlock(path, block.line, block.language, block.text) for block in document.blocks)
    return ReadmeDocument(readme, shown, blocks)


_OTHER_DOCUMENT = pattern(
    r"(?i)docs\.google\.com|drive\.google\.com|notion\.(?:so|site)|medium\.com|hackmd|confluence|dropbox\.com|gitbook|/wiki(?:/|$)"
    r"|\.(?:md|markdown|rst|pdf|docx?|ipynb|html?|pptx?)(?:[?#]|$)"
)
_ENOUGH_PROSE = 40  # words from which prose is judged by its language
_SOME_PROSE = 25  # words from which a link to a document elsewhere is a form of instructions
_ADDRESS = pattern(r"(?i)https?:|//|mailto:")
_MUCH_PROSE = 150  # words from which pictures and links are beside it, not instead of it


def _judgeable(
    prose: str,
    language: str | None,
    document: Document,
    shown: tuple[Illustration, ...],
    found: tuple[Instruction, ...],
) -> bool:
    """Whether what the document instructs is in a language and a form that is understood here."""
    amount = instructions.amount(prose)
    if amount >= _ENOUGH_PROSE // 2 and language is not None and not instructions.understood(language):
        return False
    if amount >= _ENOUGH_PROSE and language is None:
        return False
    if found or amount >= _MUCH_PROSE:
        return True
    pictures = sum(
        not (s.decoration or s.kind == "missing" or images.named_plot(s.target)) for s in shown if s.embedded
    )
    # A document of the submission can be opened; an address beside a few words leaves the README without instructions.
    elsewhere = any(s.kind in ("pdf", "video") and not _ADDRESS.match(s.target) for s in shown) or any(
        _OTHER_DOCUMENT.search(link.target[:2_000])
        and (amount >= _SOME_PROSE or not _ADDRESS.match(link.target))
        for link in document.links
    )
    return not (pictures >= 3 or elsewhere)


_AWS = pattern(r"(?i)(?<![a-z0-9])(?:aws|amazon web services|amazon|sagemaker|boto3|s3)(?![a-z])")
_GCP = pattern(
    r"(?i)(?<![a-z0-9])(?:gcp|google cloud|gcloud|gsutil|vertex ?ai|vertex|ai[ -]platform|cloud ml engine|gs://)"
    r"(?![a-z](?!i))"
)


def _platforms(text: str) -> tuple[str, ...]:
    found = (("aws", _AWS), ("gcp", _GCP))
    return tuple(name for name, expression in found if expression.search(text[:500_000]))


_CLOUD_ADDRESS = pattern(
    r"(?i)(?:gs|s3)://[\w.][^\s\"'`<>()\[\]{}|,;*$]{2,500}|https?://(?:(?:storage\.googleapis|storage\.cloud\.google|"
    r"console\.cloud\.google|drive\.google|docs\.google|dropbox)\.com|www\.dropbox\.com|huggingface\.co|1drv\.ms|"
    r"[\w.-]{1,100}\.sharepoint\.com|(?:[\w.-]{1,100}\.)?s3[.\w-]{0,40}\.amazonaws\.com)/[^\s\"'`<>()\[\]{}|,;*$]{2,500}"
)
_MODEL_ENDING = pattern(
    r"(?i)\.(?:joblib|pkl|pickle|bst|sav|skops|onnx|h5|keras|pth?|tar\.gz|tgz|safetensors)(?:[?#/]|\Z)"
)
_OTHER_ENDING = pattern(
    r"(?i)\.(?:csv|json|jsonl|txt|md|py|ipynb|parquet|xlsx?|zip|png|jpe?g|gif|svg|pdf|ya?ml|sh|html?|mp4|mov|docx?|whl)(?:[?#/]|\Z)"
)
_OF_MODEL = pattern(r"(?i)model|modèle|artefa?ct|weights|모델|模型|モデル")
_PLACEHOLDER = pattern(r"(?i)://(?:your|the|some|example|bucket[-_]?name|\.{2,}|x{3,})(?![a-z0-9])")


def _model_addresses(text: str) -> tuple[str, ...]:
    """Addresses in the clouds of model files, and of folders on lines that speak of the model."""
    found: dict[str, None] = {}
    for line in text[:500_000].split("\n"):
        if "://" not in line:
            continue
        of_model = _OF_MODEL.search(line) is not None
        for address in _CLOUD_ADDRESS.findall(line[:20_000]):
            address = address.rstrip(".:!?_")  # noqa: PLW2901
            a_model = _MODEL_ENDING.search(address) or (of_model and not _OTHER_ENDING.search(address))
            if a_model and not _PLACEHOLDER.search(address):
                found[address] = None
        if len(found) >= _MOST_NAMES:
            break
    return tuple(found)[:_MOST_NAMES]


_MENTION = pattern(r"[\w.][\w./\\+@-]{1,200}")
_MOST_NAMES = 200


@lru_cache(maxsize=4)
def _index(paths: frozenset[str]) -> tuple[dict[str, list[str]], frozenset[str]]:
    """Files by their last part, and all folders."""
    names: dict[str, list[str]] = {}
    folders: set[str] = set()
    for path in sorted(paths):
        folder, _, name = path.rpartition("/")
        names.setdefault(name, []).append(path)
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return names, frozenset(folders)


def _places(base: str, written: str, paths: frozenset[str]) -> list[str]:
    """The files or folders of the submission that a name written in ``base`` means: by path, else by the last part."""
    names, folders = _index(paths)
    clean = written.replace("\\", "/").rstrip("./")
    for root in (posixpath.dirname(base), ""):
        path = posixpath.normpath(posixpath.join(root, clean.lstrip("/")))
        if path in paths or path in folders:
            return [path]
    last = clean.rpartition("/")[2]
    if "." in last:
        home = posixpath.dirname(base)
        found = names.get(last, [])
        inside = [path for path in found if home and path.startswith(home + "/")]
        return (inside or found)[:5]
    return []


def _names(base: str, text: str, paths: frozenset[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for word in dict.fromkeys(_MENTION.findall(text[:500_000])):
        for path in _places(base, word, paths):
            if path not in (".", base):
                found[path] = None
        if len(found) >= _MOST_NAMES:
            break
    return tuple(sorted(found))


def _resolved(base: str, written: Iterable[str], paths: frozenset[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for name in written:
        found.update(dict.fromkeys(path for path in _places(base, name, paths) if path in paths))
    return tuple(found)


def steps_in_source(path: str, text: str) -> tuple[CodeStep, ...]:
    """What a script, or a build's file, does of the three steps, told by its calls and commands."""
    found = [(line, step) for step, line, _ in steps.in_code(text)]
    if path.lower().endswith((".yaml", ".yml", ".json")):  # its commands may stand in it as lists
        for shell in build_steps.read(path, text):
            found += [(shell.line + line - 1, step) for step, line, _ in steps.in_code(shell.text)]
    return tuple(CodeStep(path, None, line, step) for line, step in dict.fromkeys(sorted(found)))


def steps_in_notebook(document: NotebookDocument) -> tuple[CodeStep, ...]:
    """What a notebook's code cells do of the three steps."""
    return tuple(
        CodeStep(document.path, cell.index, line, step)
        for cell in document.cells
        if cell.kind == "code"
        for step, line, _ in steps.in_code(cell.source)
    )
