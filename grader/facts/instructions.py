"""Signs of the three steps of a deployment in a README, in code and in prose: get the model there, create, call.

A command or a call in code is a sign by its form (steps.py). A sentence is one where a verb and what it is done to stand near
each other (languages.py), and where it tells someone what to do or what was done, not what the project is about.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache

from grader.facts.documents import Document
from grader.facts.languages import (
    DATA,
    FILES,
    LAB_HEADINGS,
    LAB_MARKS,
    LEXICONS,
    PASTE,
    PLACE,
    PREDICT,
    PRESS,
    RESOURCES,
    ROW,
    SCRIPTS,
    STOPWORDS,
    TEST,
    Lexicon,
)
from grader.facts.records import Instruction, Step
from grader.facts.steps import (
    LONGEST_LINE,
    NAMED_FILE,
    in_code,
    is_call,
    logical_lines,
    named_steps,
    scripts_run,
    shown,
)
from grader.patterns import pattern

_MOST = 200  # signs that are kept of one text


@cache  # asked of the lexicons' own expressions alone
def _words(expression: str, spaced: bool) -> re.Pattern[str]:
    return pattern(rf"(?<![\w-])(?:{expression})(?!\w)" if spaced else rf"(?:{expression})", re.IGNORECASE)


_PLACES = pattern(rf"(?<![A-Za-z0-9])(?:{PLACE})(?![A-Za-z0-9])", re.IGNORECASE)
_MODEL_FILES = pattern(rf"(?<![A-Za-z0-9])(?:{FILES})", re.IGNORECASE)
_DATA = pattern(DATA, re.IGNORECASE)
_SERVICE = pattern(
    r"(?i)sagemaker|ai[ -]platform|vertex|ml[ -]engine|console|(?<![a-z0-9])(?:aws|gcp)(?![a-z0-9])|google cloud|studio"
)
_ENDPOINT_EN = pattern(r"(?i)(?<![A-Za-z0-9_])endpoints?(?![A-Za-z0-9_])")
_BREAK = pattern(r"(?<=[.!?;:])\s+|[。！？；]|\n\s*\n|\s+(?:->|→|>)\s+(?=\S{0,40}\s?(?:click|select|choose))")
_PASSIVE = pattern(r"(?i)\b(?:was|were|is|are|been|be|being|gets?|got)\s(?:\w{1,15}ly\s|then\s|also\s)?$")
_NEAR, _NEAR_DENSE, _NEAR_BACK = 110, 45, 60


def _pair(
    sentence: str, verbs: re.Pattern[str], objects: re.Pattern[str], lexicon: Lexicon, *, english: bool
) -> bool:
    """Whether a verb and what it is done to stand near each other."""
    reach = _NEAR if lexicon.spaced else _NEAR_DENSE
    describes = _words(lexicon.describes, lexicon.spaced)
    for n, verb in enumerate(verbs.finditer(sentence)):
        if n >= 20:
            return False
        if describes.search(sentence, max(0, verb.start() - 90), verb.start()):
            continue
        if objects.search(sentence, verb.end(), min(len(sentence), verb.end() + reach)):
            return True
        if not english and objects.search(sentence, max(0, verb.start() - reach), verb.start()):
            return True
        if english and verb.group().lower() != "called":
            before = sentence[max(0, verb.start() - 30) : verb.start()]
            back = max(0, verb.start() - _NEAR_BACK)
            if _PASSIVE.search(before) and objects.search(sentence, back, verb.start()):
                return True
    return False


_SERVED = pattern(r"(?i)deployed|endpoint")


def steps_in_sentence(sentence: str, languages: Iterable[str] = tuple(LEXICONS)) -> tuple[Step, ...]:
    """The steps that one sentence instructs, in any of ``languages``."""
    sentence = _TAB.sub(" tab ", " ".join(sentence[:LONGEST_LINE].split()))
    found: dict[Step, None] = {}
    for language in languages:
        lexicon = LEXICONS[language]
        english = language == "en"

        def near(verbs: str, objects: str, lexicon: Lexicon = lexicon, english: bool = english) -> bool:
            return _pair(
                sentence,
                _words(verbs, lexicon.spaced),
                _words(objects, lexicon.spaced),
                lexicon,
                english=english,
            )

        about_model = bool(
            _words(lexicon.model, lexicon.spaced).search(sentence) or _MODEL_FILES.search(sentence)
        )
        only_data = bool(_DATA.search(sentence)) and not (
            _MODEL_FILES.search(sentence) or re.search(r"(?i)model|modèle|모델|模型|モデル", sentence)
        )
        if english and not only_data and _pair(sentence, _UPLOAD_THERE, _PLACES, lexicon, english=True):
            found["get-model-there"] = None
        if about_model and not only_data:
            places = _PLACES.search(sentence)
            verbs = _words(lexicon.put, lexicon.spaced)
            if (places and _pair(sentence, verbs, _PLACES, lexicon, english=english)) or (
                english
                and (
                    _pair(sentence, _UPLOAD, _UPLOADED, lexicon, english=True)
                    or (places and _pair(sentence, _CARRY, _UPLOADED, lexicon, english=True))
                )
            ):
                found["get-model-there"] = None
        if english and _MENU_PUT.search(sentence) and (about_model or _PLACES.search(sentence)):
            found["get-model-there"] = None
        if (
            near(lexicon.create, lexicon.endpoint)
            or near(lexicon.deployed, lexicon.endpoint)
            or near(lexicon.deploy, rf"{lexicon.endpoint}|{lexicon.model}")
            or (_SERVICE.search(sentence) and near(lexicon.create, RESOURCES))
            or (
                english
                and (near(_CLICK, _BUTTON) or _DEPLOY_THERE.search(sentence) or _MENU_CREATE.search(sentence))
            )
        ):
            found["create"] = None
        if near(lexicon.call, lexicon.endpoint) or (
            near(lexicon.send, lexicon.request)
            and (english or _SERVED.search(sentence) or near(lexicon.call, lexicon.endpoint))
        ):
            found["call"] = None
        if english and (near(_ASK, r"apis?") or _ASK_IT.search(sentence)) and not _LOCAL.search(sentence):
            found["call"] = None
    if _pressed(sentence) and not _LOCAL.search(sentence):
        found["call"] = None
    return tuple(found)


def _pressed(sentence: str) -> bool:
    """Whether it says to press a console's button that asks the model: what it is called, or after filling in a row."""
    for n, press in enumerate(_words(PRESS, True).finditer(sentence)):
        if n >= 20:
            break
        if _words(PREDICT, True).search(sentence, press.end(), press.end() + 30):
            return True
        if _words(TEST, True).search(sentence, press.end(), press.end() + 20):
            paste = _words(PASTE, True).search(sentence, 0, press.start())
            if paste and _words(ROW, True).search(sentence, paste.end(), press.start()):
                return True
    return False


# A tab's own name tells nothing: what is done there does.
_TAB = pattern(
    r"(?i)(?<!\w)(?:tab|page|pestaña|página|aba|guia|onglet|reiter|scheda)[\W_]{1,4}(?:deploy|desplegar|implementar|implantar|déployer"
    r"|bereitstellen|distribuisci)\s(?:&|and|y|e|et|und)\s\w{1,12}|(?<!\w)deploy (?:&|and) test tab"
)
_ASK = r"call(?:ed|ing)?|invok(?:e|ed|ing)|quer(?:y|ied|ying)"
_ASK_IT = pattern(
    r"(?i)\bendpoint\b[^.]{0,60}\b(?:ask|get|request|make|try)\b[^.]{0,20}\b(?:predictions?|inferences?)\b"
)
_LOCAL = pattern(r"(?i)local(?:host|ly)?|127\.0\.0\.1|flask|fastapi|streamlit|gradio|docker")


_CLICK = r"(?:click|choose|select|press|pick)(?:ed|ing)?|chose"
_BUTTON = (
    r"(?:new|create|add|deploy)(?: to| a| new| model){0,3} (?:endpoint|model|version)s?|deploy(?: model)?"
)
_DEPLOY_THERE = pattern(
    r"(?i)^\W{0,6}(?:\d{1,2}[.)]\s?)?(?:then )?deploy\b[^.]{0,60}(?:sagemaker|ai[ -]platform|vertex|endpoint)"
)
# A way through a console's menus: "AI Platform > Models > New model, then New version".
_MENU_PUT = pattern(r"(?i)[>→›»]\W{0,4}(?:import|upload)\b")
_MENU_CREATE = pattern(
    r"(?i)[>→›»]\W{0,4}(?:new|create|deploy|add)\b[^.]{0,40}?\b(?:version|endpoint|model)\b|[>→›»]\W{0,4}deploy\b"
    r"|^\W{0,6}deploy to endpoint\b"
)
_UPLOAD_THERE = pattern(r"(?i)(?<![\w-])upload(?:ed|ing)?(?!\w)")
_UPLOAD = pattern(r"(?i)(?<![\w-])(?:upload(?:ed|ing)?|import(?:ed|ing)?)(?!\w)")
_CARRY = pattern(
    r"(?i)(?<![\w-])(?:cop(?:y|ied|ying)|put|push(?:ed|ing)?|mov(?:e|ed|ing)|transfer(?:red|ring)?|plac(?:e|ed|ing)|dropp?(?:ed|ing)?|dragg?(?:ed|ing)?)(?!\w)"
)
_UPLOADED = pattern(
    rf"(?i)(?<![\w-])(?:(?:the |your |my |our |trained |a |this |saved ){{0,3}}(?:model|artifacts?)(?![\w-])|{FILES})"
)
_STEP_HEADING = pattern(
    r"(?i)^\W{0,4}(?:step\s*)?\d{1,2}\s*[.):-]|^\W{0,4}(?:step|paso|passo|schritt|étape|단계|步骤)\b|^第.步"
)


def sentences(document: Document) -> Iterator[tuple[int, str]]:
    """(line, sentence) of a document's prose; headings only where they are numbered steps."""
    inside = {(link.line, link.text.strip()) for link in document.links if link.target.startswith("#")}
    for prose in document.prose:
        if (prose.line, prose.text.strip()) in inside:
            continue  # a line of a table of contents
        if prose.heading and not (_STEP_HEADING.search(prose.text) and len(prose.text.split()) >= 3):
            continue
        at, line = 0, prose.line
        for cut in [*_BREAK.finditer(prose.text), None]:
            end = len(prose.text) if cut is None else cut.start()
            piece = prose.text[at:end]
            if piece.strip():
                lead = len(piece) - len(piece.lstrip())
                yield line + piece.count("\n", 0, lead), piece.strip()
            if cut is not None:
                line += prose.text.count("\n", at, cut.end())
                at = cut.end()


def find(document: Document, language: str | None) -> tuple[Instruction, ...]:
    """The signs of the three steps in a document, in order, each line and step once.

    The assignment's own sentences and its example are none. ``language`` narrows the words for prose; English is
    always understood, for what consoles print.
    """
    found: list[Instruction] = []
    for block in document.blocks:
        if _lab_code(block.text):
            continue
        for step, number, line_shown in in_code(block.text):
            found.append(
                Instruction(
                    step, block.line + number - 1, "code" if is_call(line_shown) else "command", line_shown
                )
            )
        for number, code in logical_lines(block.text):
            found += _by_script(code, block.line + number - 1)
    languages = tuple(dict.fromkeys((language, "en"))) if language in LEXICONS else tuple(LEXICONS)
    for line, sentence in sentences(document):
        if is_lab_text(sentence):
            continue
        for step, number, line_shown in in_code(sentence):
            found.append(
                Instruction(step, line + number - 1, "code" if is_call(line_shown) else "command", line_shown)
            )
        for piece_at, piece in enumerate(sentence.split("\n")):
            found += _by_script(piece, line + piece_at)
        for step in steps_in_sentence(sentence, [name for name in languages if name]):
            found.append(Instruction(step, line, "prose", shown(sentence)))
        if len(found) > _MOST:
            break
    once = {(sign.step, sign.line): sign for sign in reversed(found)}
    return tuple(sorted(once.values(), key=lambda sign: (sign.line, sign.step)))[:_MOST]


def _by_script(line: str, number: int) -> list[Instruction]:
    return [
        Instruction(step, number, "script", shown(line.strip()))
        for script in scripts_run(line)
        for step in named_steps(script)
    ]


def runs(document: Document) -> tuple[str, ...]:
    """The scripts and notebooks, as written, that a document says to run: by a command, or in a sentence."""
    found: dict[str, None] = {}
    for block in document.blocks:
        for line in block.text.split("\n"):
            found.update(dict.fromkeys(scripts_run(line)))
    before: list[str] = []  # "The notebook is deploy.ipynb. Run all of its cells."
    for _, sentence in sentences(document):
        line = sentence[:LONGEST_LINE]
        found.update(dict.fromkeys(scripts_run(line)))
        names = NAMED_FILE.findall(line)
        lexicons = (lx for lx in LEXICONS.values() if lx.spaced or not line.isascii())
        if (names or before) and any(_words(lx.run, lx.spaced).search(line) for lx in lexicons):
            found.update(dict.fromkeys(names or before))
        before = names
        if len(found) > _MOST:
            break
    return tuple(found)[:_MOST]


# --- the assignment, and the language ------------------------------------------------------------------------------


def is_lab_text(sentence: str) -> bool:
    """Whether a sentence is the assignment's own."""
    flat = " ".join(sentence[:LONGEST_LINE].lower().replace("’", "'").split())
    return any(mark in flat for mark in LAB_MARKS) or flat.lstrip("0123456789.) ") in LAB_HEADINGS


def lab_marks(text: str) -> int:
    """How many of the assignment's turns of phrase a text has."""
    flat = " ".join(text.lower().replace("’", "'").split())
    return sum(mark in flat for mark in LAB_MARKS)


def _lab_code(text: str) -> bool:
    return (
        "from sklearn.externals import joblib" in text and "clf = joblib.load(os.path.join(model_dir" in text
    )


_LATIN_WORD = pattern(r"[^\W\d_]{1,30}")
_SCRIPT_LETTERS = tuple((language, pattern(f"[{letters}]")) for language, letters in SCRIPTS)


def language_of(text: str) -> str | None:
    """The language of a text, as a two-letter code, by its letters or its small words; None where it cannot be told."""
    text = text[:20_000]
    letters: Counter[str] = Counter()
    if not text.isascii():  # the patterns of other scripts take long to compile
        letters.update({language: len(expression.findall(text)) for language, expression in _SCRIPT_LETTERS})
    latin = len(re.findall(r"[A-Za-z]", text))
    foreign = sum(letters.values())
    if foreign and foreign >= 0.15 * (latin + foreign):
        if letters["ja"] >= 0.1 * (letters["ja"] + letters["zh"]) and letters["ja"]:
            return "ja"
        return max(letters, key=lambda name: letters[name])
    words = [word.lower() for word in _LATIN_WORD.findall(text)]
    hits = {name: sum(word in small for word in words) for name, small in STOPWORDS.items()}
    best = max(hits, key=lambda name: (hits[name], name == "en"))
    return best if hits[best] >= 2 and hits[best] >= 0.05 * len(words) else None


def understood(language: str | None) -> bool:
    """Whether prose in ``language`` can be judged."""
    return language in LEXICONS


_DENSE_LETTERS = pattern(r"[\u3040-\u30ff\u4e00-\u9fff\u3400-\u4dbf\u0e00-\u0e7f]")


def amount(text: str) -> int:
    """Words of a text in any language: where words do not stand apart, two letters are taken for one."""
    dense = 0 if text.isascii() else len(_DENSE_LETTERS.findall(text))
    return len(text.split()) + dense // 2
