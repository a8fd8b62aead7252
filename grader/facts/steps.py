"""Signs of the three steps of a deployment in code and commands, by their form.

Calls of the clouds' Python libraries, commands of their command lines, requests by curl, and scripts whose name says it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from grader.facts.records import Step
from grader.facts.secrets import hide
from grader.patterns import pattern
from grader.text import excerpt

_MOST = 200  # signs that are kept of one text
LONGEST_LINE = 2_000
"""Characters of a line that are looked at."""
_SHELL_WORDS = r"[^\n|;&]{0,600}"
_FLAGS = r"(?:\s+(?:alpha|beta|--(?:project|region|account|verbosity)[ =]\S{1,80}|-\S{1,60})){0,6}"


def _shell(expression: str) -> re.Pattern[str]:
    """A pattern of commands, in any case; ``gcloud~`` is gcloud with its release track and global flags."""
    return pattern(expression.replace("gcloud~", "gcloud" + _FLAGS), re.IGNORECASE)


_COPY = _shell(
    r"\b(?:gsutil(?:\s+-\S{1,20}){0,5}\s+(?:cp|mv|rsync)|gcloud~\s+storage\s+(?:cp|mv|rsync)"
    r"|aws\s+s3\s+(?:cp|mv|sync))\s+([^\n|;&#]{1,600})"
)
_CLOUD_PLACE = pattern(r"(?i)(?:gs|s3)://|^[\"']?[$<{\[]|bucket")
_COMMANDS: tuple[tuple[Step, re.Pattern[str]], ...] = (
    # These bundle the folder they run in, the model included.
    (
        "get-model-there",
        _shell(
            r"\beb\s+(?:create|deploy)\b|\b(?:sam|serverless|sls|chalice|zappa)\s+deploy\b"
            r"|\bgcloud~\s+(?:app|functions)\s+deploy\b|\bgcloud~\s+run\s+deploy\b[^\n]{0,200}--source"
        ),
    ),
    (
        "get-model-there",
        _shell(r"\baws\s+s3api\s+put-object\b|\bgcloud~\s+ai\s+models\s+upload\b"),
    ),
    (
        "get-model-there",
        _shell(r"\bdocker\s+push\s+\S{0,200}(?:ecr|gcr\.io|pkg\.dev|\$|<|\{)|\bgcloud\s+builds\s+submit\b"),
    ),
    (
        "create",
        _shell(
            r"\bgcloud~\s+(?:ai-platform|ml-engine)\s+versions\s+create\b"
            r"|\bgcloud~\s+ai\s+endpoints\s+(?:deploy-model|create)\b"
            r"|\baws\s+sagemaker\s+(?:create-endpoint|update-endpoint)(?![-\w])"
            r"|\baws\s+cloudformation\s+(?:deploy|create-stack)\b|\b(?:sam|cdk|serverless|sls|chalice|zappa)\s+deploy\b"
            r"|\bterraform\s+apply\b|\beb\s+(?:create|deploy)\b|\bgcloud~\s+(?:run|app|functions)\s+deploy\b"
            r"|\bmake\s+(?:deploy|create[-_]endpoint)\b"
        ),
    ),
    (
        "call",
        _shell(
            r"\bgcloud~\s+(?:ai-platform|ml-engine)\s+predict\b"
            r"|\bgcloud~\s+ai\s+endpoints\s+(?:raw-)?predict\b"
            r"|\baws\s+sagemaker-runtime\s+invoke-endpoint\b|\bawscurl\b|\bmake\s+(?:predict|invoke|test-endpoint)\b"
        ),
    ),
)
_CURL = _shell(
    rf"\b(?:curl|https?\s+(?:POST|GET)|wget|Invoke-RestMethod|Invoke-WebRequest)\s({_SHELL_WORDS}(?:\|[^\n]{{0,300}})?)"
)
_CURL_ASKS = _shell(
    r"(?:^|\s)(?:-d|--data\S{0,12}|--json|-X\s?POST|-Method\s+POST|-F)(?:\s|['\"@=])|:predict\b|/invocations\b|/predict\b|execute-api"
)
_CURL_CREATES = _shell(r"googleapis\.com/\S{1,300}/(?:versions|endpoints)(?:[\s\"'?]|$)|:deployModel\b")
_LISTED = pattern(r"[\"'],\s{0,4}f?[\"']")
_LOCAL = _shell(r"localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]")

_CALLS: tuple[tuple[Step, re.Pattern[str]], ...] = (
    (
        "get-model-there",
        pattern(
            r"\.(?:upload_data|upload_file|upload_fileobj|upload_from_filename|upload_from_file|upload_from_string|put_object)\s?\("
            r"|S3Uploader\.upload|\bModel\.upload\s?\(|\bupload_blob\s?\(|\bupload_(?:to_)?(?:s3|gcs|bucket|model)\w{0,20}\s?\("
            r"|\b\w{0,30}estimator\w{0,10}\.fit\s?\("
        ),
    ),
    (
        "create",
        pattern(
            r"\.deploy\s?\(|\.create_endpoint\s?\(|\.deploy_model\s?\(|\bEndpoint\.create\s?\(|\.versions\(\)\.create\s?\("
            r"|\bdeploy_to_\w{1,20}\s?\("
        ),
    ),
    (
        "call",
        pattern(
            r"\binvoke_endpoint\w{0,30}\s?\(|\b\w{0,30}(?:predictor|endpoint)\w{0,10}\.(?:raw_)?predict\s?\(|\.projects\(\)\.predict\s?\("
            r"|\brequests\.post\s?\((?!\s?[\"']http://(?:localhost|127))|\bpredict_json\s?\(|\.predict\(\s?(?:instances|endpoint|name)\s?="
            r"|\bPredictor\s?\([^\n]{0,200}\)\.predict\s?\("
        ),
    ),
)
_SCRIPT = pattern(
    r"(?i)\b(?:python3?(?:\.\d{1,2})?|py|bash|sh|zsh|source|papermill|poetry run python3?|uv run(?: python3?)?)\s+(?:-\w+\s+){0,4}[\"']?"
    r"([\w./\\-]{1,200}\.(?:py|sh|bash|ipynb))|(?:^|\s)\.[/\\]([\w./\\-]{1,200}\.(?:sh|py|bat|cmd|ps1))"
)
_NOTEBOOK_COMMAND = pattern(
    r"(?i)\bjupyter[\s-](?:notebook|lab|nbconvert)\b[^\n]{0,120}?([\w./\\-]{1,200}\.ipynb)"
)
_BUILD = pattern(r"(?i)\bgcloud" + _FLAGS + r"\s+builds\s+submit\b([^\n|;&]{0,600})")
_BUILD_FILE = pattern(r"--config[ =][\"']?([\w./\\-]{1,200})")
NAMED_FILE = pattern(
    r"([\w./\\-]{1,200}\.(?:py|sh|bash|ipynb|bat|cmd|ps1)|[\w./\\-]{0,100}cloudbuild[\w.-]{0,60}\.(?:ya?ml|json)"
    r"|[\w./\\-]{0,100}\.github/workflows/[\w.-]{1,60}\.ya?ml)(?![\w-])"
)
"""A script, a notebook or a build's file, as a sentence names it."""
_NAMED_STEP: tuple[tuple[Step, re.Pattern[str]], ...] = (
    ("get-model-there", pattern(r"(?i)upload|push[_-]?model|to[_-]?(?:s3|gcs|bucket)")),
    ("create", pattern(r"(?i)deploy(?!ed)|create[_-]?(?:endpoint|version)|^create\.")),
    (
        "call",
        pattern(
            r"(?i)invoke|(?:test|call|query|use|ping|hit)[_-]?(?:the[_-]?)?(?:endpoint|api|deploy\w*|prediction)|endpoint[_-]?test"
            r"|(?:online|request|remote|endpoint)[_-]?predict|predict[_-]?(?:request|endpoint|online|remote)|client|send[_-]?request"
        ),
    ),
)


def named_steps(path: str) -> tuple[Step, ...]:
    """The steps that a script's own name tells (``deploy.py``, ``invoke_endpoint.py``)."""
    name = path.replace("\\", "/").rpartition("/")[2]
    if re.search(r"(?i)local|test_deploy|undeploy", name):
        return ()
    return tuple(step for step, expression in _NAMED_STEP if expression.search(name))


def shown(text: str) -> str:
    """A line as an excerpt, free of secrets."""
    return excerpt(" ".join(hide(text[:600]).split()))


def in_code(text: str) -> tuple[tuple[Step, int, str], ...]:
    """(step, line, excerpt) of what code or a shell's text does of the three steps. Comments are skipped.

    Linear in the text; lines are 1-based, a command continued by a backslash stands at its first.
    """
    out = []
    for number, line in logical_lines(text):
        code = line.strip()
        if not code or code.startswith(("#", "//", "REM ")):
            continue
        for step in _steps_of_line(code):
            out.append((step, number, shown(code)))
            if len(out) >= _MOST:
                return tuple(out)
    return tuple(out)


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """(number of its first line, line) with continued lines joined; over-long lines are cut."""
    held, begin = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        begin = begin or number
        bare = line.rstrip("\r ")
        if bare.endswith(("\\", "^", "`")) and len(held) < LONGEST_LINE:
            held += bare[:-1][:LONGEST_LINE] + " "
            continue
        yield begin, (held + bare)[:LONGEST_LINE]
        held, begin = "", 0
    if held:
        yield begin, held[:LONGEST_LINE]


def _steps_of_line(line: str) -> list[Step]:
    found: list[Step] = []
    for match in _COPY.finditer(line):
        words = [w for w in match.group(1).split() if not w.startswith("-")]
        if len(words) >= 2 and _CLOUD_PLACE.search(words[-1].strip("\"'`)")):
            found.append("get-model-there")
    if _LISTED.search(line):  # a command given as a list of strings
        line = _LISTED.sub(" ", line)
    for step, expression in (*_COMMANDS, *_CALLS):
        if expression.search(line):
            found.append(step)
    for match in _CURL.finditer(line):
        words_ = match.group(1)
        if _CURL_ASKS.search(words_) and not _LOCAL.search(words_):
            found.append("create" if _CURL_CREATES.search(words_) else "call")
    return list(dict.fromkeys(found))


def scripts_run(line: str) -> tuple[str, ...]:
    """The scripts, notebooks and builds' files, as written, that a command line runs."""
    found = [a or b for a, b in _SCRIPT.findall(line[:LONGEST_LINE])]
    found += _NOTEBOOK_COMMAND.findall(line[:LONGEST_LINE])
    for words in _BUILD.findall(line[:LONGEST_LINE]):
        named = _BUILD_FILE.search(words)
        found.append(named.group(1) if named else "cloudbuild.yaml")
    return tuple(dict.fromkeys(found))


def is_call(line: str) -> bool:
    """Whether a line is code that does one of the steps, rather than a command."""
    return any(expression.search(line) for _, expression in _CALLS)
