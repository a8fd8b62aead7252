"""Which commands there are, what they are called, and what their variables hold."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.facts import commands
from grader.facts.code import CodeBlock, Origin, ShellText
from grader.facts.commands import ParsedCommand
from grader.facts.shell.verbs import verb_of
from tests.bounds import within_a_files_bound


def run(text: str, dialect: str = "sh", **variables: str) -> list[ParsedCommand]:
    return list(commands.read(ShellText("deploy.sh", None, 1, text, dialect, variables)))  # type: ignore[arg-type]


def told(found: list[ParsedCommand]) -> list[tuple[int, str, str]]:
    return [(r.line, r.program, r.verb) for r in commands.records(found)]


@pytest.mark.parametrize(
    ("line", "verb"),
    [
        ("gcloud ai-platform versions create v1 --model m", "ai-platform versions create"),
        ("gcloud beta ai-platform versions create v1", "ai-platform versions create"),
        ("gcloud --quiet beta ai-platform versions create v1", "ai-platform versions create"),
        ("gcloud alpha ml-engine versions create v1", "ml-engine versions create"),
        ("gcloud ml-engine models create m --regions us-central1", "ml-engine models create"),
        ("gcloud --project my-p ai-platform versions create v1", "ai-platform versions create"),
        ("gcloud --project=my-p ai-platform versions create v1", "ai-platform versions create"),
        ("gcloud ai-platform --region us-central1 versions create v1", "ai-platform versions create"),
        ("gcloud ai-platform predict --model m --version v", "ai-platform predict"),
        ("gcloud ai-platform local predict --model-dir d", "ai-platform local predict"),
        ("gcloud ai-platform jobs submit training job1 --region r", "ai-platform jobs submit training"),
        ("gcloud ai models upload --region r", "ai models upload"),
        ("gcloud ai endpoints deploy-model 123 --model m", "ai endpoints deploy-model"),
        ("gcloud config set project foo", "config set"),
        ("gcloud config get-value project", "config get-value"),
        ("gcloud builds submit app --tag x", "builds submit"),
        ("gcloud run deploy service --image x", "run deploy"),
        ("gcloud run services describe service", "run services describe"),
        ("gcloud auth application-default login", "auth application-default login"),
        ("gcloud auth login", "auth login"),
        ("gcloud iam service-accounts keys create key.json", "iam service-accounts keys create"),
        ("gcloud projects add-iam-policy-binding p --role r", "projects add-iam-policy-binding"),
        ("gcloud services enable ml.googleapis.com", "services enable"),
        ("gcloud app deploy", "app deploy"),
        ("gcloud storage cp a gs://b", "storage cp"),
        ("gcloud init", "init"),
        ("gcloud --version", ""),
        ("gcloud unheard-of things list --x", "unheard-of things list"),
        ("gcloud compute tpus tpu-vm create name --zone z", "compute tpus tpu-vm create"),
        ("gcloud compute ssh machine", "compute ssh"),
        ("gcloud ai-platform versions set-default v1 --model m", "ai-platform versions set-default"),
        ("gcloud functions deploy predict --trigger-http", "functions deploy"),
        ("gcloud ai-platform jobs stream-logs job", "ai-platform jobs stream-logs"),
        ("gcloud info list", "info"),
        ("gcloud ai-platform versions $VERB v1", "ai-platform versions"),
        ("gsutil cp a gs://b", "cp"),
        ("gsutil -m cp -r a gs://b", "cp"),
        ("gsutil -o GSUtil:x=1 rsync a gs://b", "rsync"),
        ("gsutil mb -l us gs://b", "mb"),
        ("gsutil iam ch user:x gs://b", "iam ch"),
        ("aws s3 cp a s3://b", "s3 cp"),
        (
            "aws --region us-east-1 --profile p sagemaker create-endpoint --endpoint-name e",
            "sagemaker create-endpoint",
        ),
        ("aws sagemaker-runtime invoke-endpoint --body x out", "sagemaker-runtime invoke-endpoint"),
        ("aws configure", "configure"),
        ("aws configure set region x", "configure set"),
        ("aws ecr get-login-password --region x", "ecr get-login-password"),
        ("tar czvf model.tar.gz model.joblib", "czvf"),
        ("tar -czf model.tar.gz model.joblib", "czf"),
        ("tar --create --file x y", ""),
        ("docker build -t x .", "build"),
        ("docker compose -f x up", "compose up"),
        ("curl -X POST http://x", ""),
        ("python deploy.py --x", ""),
        ("mlflow sagemaker deploy -a x", "sagemaker deploy"),
    ],
)
def test_verbs(line: str, verb: str) -> None:
    program, *rest = line.split()
    found = verb_of(program, rest)
    assert found is not None
    assert found[0] == verb


def test_python_without_a_script_is_no_fact() -> None:
    assert told(run("python --version\npython -c 'print(1)'\npython3 -m http.server\npy deploy.py")) == [
        (3, "python3", ""),
        (4, "py", ""),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sudo -E gcloud info", [(1, "gcloud", "info")]),
        ("command -v gcloud >/dev/null || exit 1\ncommand gcloud info", [(2, "gcloud", "info")]),
        (
            "aws iam get-role --role-name <<your role>>\naws s3 ls",
            [(1, "aws", "iam get-role"), (2, "aws", "s3 ls")],
        ),
        ("cat <<END >> notes\naws s3 ls\nEND\naws s3 mb s3://b", [(4, "aws", "s3 mb")]),
        ("sudo -u root env -i A=1 nohup gcloud info", [(1, "gcloud", "info")]),
        ("A=1 time gcloud info", [(1, "gcloud", "info")]),
        ("timeout -k 5 60 gcloud info", [(1, "gcloud", "info")]),
        ("ls | xargs -n 1 gsutil rm", [(1, "gsutil", "rm")]),
        ("! gcloud info", [(1, "gcloud", "info")]),
        ("!gcloud info", [(1, "gcloud", "info")]),
        ("/usr/lib/google-cloud-sdk/bin/gcloud info", [(1, "gcloud", "info")]),
        ("gcloud.cmd info", [(1, "gcloud", "info")]),
        ("bash -c 'gcloud info; gsutil ls'", [(1, "gcloud", "info"), (1, "gsutil", "ls")]),
        ('eval "gcloud info"', [(1, "gcloud", "info")]),
        ("poetry run python train.py", [(1, "python", "")]),
        ("echo gcloud info", []),
        ("echo 'gcloud info' # gcloud info", []),
        ("cat <<EOF\ngcloud info\nEOF", []),
        ("grep gcloud x && which aws", []),
        ("if ! gcloud info; then\n  gsutil ls\nfi", [(1, "gcloud", "info"), (2, "gsutil", "ls")]),
        ("while true; do gcloud info; done", [(1, "gcloud", "info")]),
        ("f() { gcloud info; }", [(1, "gcloud", "info")]),
        ("function f {\n  gcloud info\n}", [(2, "gcloud", "info")]),
        ('echo "$(gcloud info)"', [(1, "gcloud", "info")]),
        ("P=$(gcloud config get-value project)", [(1, "gcloud", "config get-value")]),
        ("P=`gcloud config get-value project`", [(1, "gcloud", "config get-value")]),
        ("x \\\n  && \\\n  gcloud info", [(3, "gcloud", "info")]),
        ("python3.9 train.py", [(1, "python3.9", "")]),
    ],
)
def test_where_commands_stand(text: str, expected: list[tuple[int, str, str]]) -> None:
    assert told(run(text)) == expected


@pytest.mark.parametrize(
    ("text", "dialect", "last"),
    [
        ("V=2.6\ngcloud x --r=$V", "sh", "--r=2.6"),
        ("V='2.6'; gcloud x --r=${V}", "sh", "--r=2.6"),
        ('export V=2.6\ngcloud x --r="$V"', "sh", "--r=2.6"),
        ("readonly V=2.6\ngcloud x --r=$V", "sh", "--r=2.6"),
        ("A=2; V=$A.6\ngcloud x --r=$V", "sh", "--r=2.6"),
        ("gcloud x --r=${V:-2.6}", "sh", "--r=2.6"),
        ("V=\ngcloud x --r=${V:-2.6}", "sh", "--r=2.6"),
        ("V=${1:-2.6}\ngcloud x --r=$V", "sh", "--r=2.6"),
        ("V=2\nV+=.6\ngcloud x --r=$V", "sh", "--r=2.6"),
        ('A=(--q --r=2.6)\ngcloud x "${A[@]}"', "sh", "--r=2.6"),
        ("A='--q --r=2.6'\ngcloud x $A", "sh", "--r=2.6"),
        ("A='--q --r=2.6'\ngcloud x \"$A\"", "sh", "--q --r=2.6"),
        ("for v in 2.6; do gcloud x --r=$v; done", "sh", "--r=2.6"),
        ("for v in 2.4 2.6; do gcloud x --r=$v; done", "sh", "--r=$v"),
        ("V=1\nread V\ngcloud x --r=$V", "sh", "--r=$V"),
        ("gcloud x --r=$V", "sh", "--r=$V"),
        ("V='2.6'\ngcloud x '--r=$V'", "sh", "--r=$V"),
        ("V=$(date)\ngcloud x --r=$V", "sh", "--r=$(date)"),
        ("V=x-2.6\ngcloud x --r=${V#x-}", "sh", "--r=${V#x-}"),
        ("set V=2.6\r\ngcloud x --r=%V%", "bat", "--r=2.6"),
        ('set "V=2.6"\r\ngcloud x --r=%v%', "bat", "--r=2.6"),
        ("set V=2.6\r\ngcloud x ^\r\n  --r=!V!", "bat", "--r=2.6"),
        ("set /p V=Version?\r\ngcloud x --r=%V%", "bat", "--r=%V%"),
        ("$V = '2.6'\ngcloud x `\n  --r=$V", "powershell", "--r=2.6"),
        ("$env:V = '2.6'\ngcloud x --r=$env:V", "powershell", "--r=2.6"),
        ("V ?= 2.6\nd:\n\tgcloud x --r=$(V)", "make", "--r=2.6"),
        ("V := 2.6 # the newest\nd: ; gcloud x --r=${V}", "make", "--r=2.6"),
        ("A = $(B)\nB = 2.6\nd:\n\t@-gcloud x \\\n\t  --r=$(A)", "make", "--r=2.6"),
        ("d:\n\tV=2.6; gcloud x --r=$$V", "make", "--r=2.6"),
        ("V = 1\nV ?= 2.6\nd:\n\tgcloud x --r=$(V)", "make", "--r=1"),
    ],
)
def test_variables(text: str, dialect: str, last: str) -> None:
    assert run(text, dialect)[-1].words[-1].text == last


def test_names_of_the_notebook() -> None:
    found = run("gcloud x --a={V} --b=$V --c={W} --d='{\"k\": 1}'", V="2.6")
    assert [w.text for w in found[0].words[1:]] == ["--a=2.6", "--b=2.6", "--c={W}", '--d={"k": 1}']


def test_where_a_value_stands() -> None:
    origin = Origin("n.ipynb", 2, 3, "python")
    text = ShellText(
        "n.ipynb",
        5,
        1,
        "W=1.15\ngcloud x --a={V} --b=$W --c=2",
        variables={"V": "2.6"},
        origins={"V": origin},
    )
    words = commands.read(text)[0].words
    assert words[1].at(4).origin == origin
    assert words[2].at(4).origin == Origin("n.ipynb", 5, 1, "shell-variable")
    assert words[3].at(4).origin is None
    assert words[3].at(4).line == 2


def test_files_that_a_shell_writes() -> None:
    found = run(
        "V=2.6\ncat > c.yaml <<EOF\nruntimeVersion: '$V'\nEOF\necho 'a: 1' > d.yaml\ntee e.yaml <<'EOF'\n$V\nEOF"
    )
    texts = [(c.written.target, c.written.line, c.written.text) for c in found if c.written]
    assert texts == [("c.yaml", 3, "runtimeVersion: '2.6'"), ("d.yaml", 5, "a: 1"), ("e.yaml", 7, "$V")]


def test_a_bound_that_is_hit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "MOST_COMMANDS", 5)
    few = commands.read_all([ShellText("a.sh", None, 1, "gcloud info\n" * 5)])
    assert (len(few), commands.unread_of(few)) == (5, ())
    many = commands.read_all([ShellText("a.sh", None, 1, "gcloud info\n" * 6)])
    assert (len(many), [u.path for u in commands.unread_of(many)]) == (5, ["a.sh"])
    texts = [ShellText(f"{n}.sh", None, 1, "gcloud info\n" * 4) for n in range(9)]
    assert [u.path for u in commands.unread_of(commands.read_all(texts))] == ["2.sh"]


def test_variables_live_on_in_a_readme() -> None:
    blocks = [
        CodeBlock("README.md", 3, "bash", "export V=2.6"),
        CodeBlock("README.md", 9, "sh", "gcloud x --r=$V"),
    ]
    texts = [text for block in blocks for text in commands.from_block(block)]
    found = commands.read_all(texts)
    assert [(c.line, c.words[-1].text, c.via) for c in found] == [(9, "--r=2.6", "readme")]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("bash", "gcloud info", [(10, "gcloud", "info")]),
        ("shell script", "gcloud info", [(10, "gcloud", "info")]),
        ("", "gcloud info", [(10, "gcloud", "info")]),
        ("", "$ gcloud info\naws s3 is output\n$ gsutil ls", [(10, "gcloud", "info"), (12, "gsutil", "ls")]),
        ("console", "$ gcloud info \\\n>   --x\nname: y", [(10, "gcloud", "info")]),
        ("console", "user@host:~/x$ gcloud info", [(10, "gcloud", "info")]),
        ("console", "# gcloud info", [(10, "gcloud", "info")]),
        ("bash", "# gcloud info", []),
        ("", "> gcloud info", [(10, "gcloud", "info")]),
        ("", "C:\\Users\\me> gcloud info", [(10, "gcloud", "info")]),
        ("powershell", "PS C:\\x> gcloud info `\n  --x", [(10, "gcloud", "info")]),
        ("bat", "gcloud info ^\n  --x\ngsutil ls", [(10, "gcloud", "info"), (12, "gsutil", "ls")]),
        ("", "gcloud info ^\n  --x\ngsutil ls", [(10, "gcloud", "info"), (12, "gsutil", "ls")]),
        ("", "This doesn't work:\ngcloud info\nso don't", [(11, "gcloud", "info")]),
        ("python", "import os\n!gcloud info \\\n  --x\nprint('gcloud info')", [(11, "gcloud", "info")]),
        ("python", "%%bash\ngcloud info", [(11, "gcloud", "info")]),
        ("", "%%bash\ngcloud info", [(11, "gcloud", "info")]),
        ("yaml", "gcloud info", []),
        ("json", '{"gcloud": "info"}', []),
        ("makefile", "x:\n\tgcloud info", [(11, "gcloud", "info")]),
        ("", "import os\nos.system('gcloud info')", []),
    ],
)
def test_code_blocks(language: str, text: str, expected: list[tuple[int, str, str]]) -> None:
    texts = commands.from_block(CodeBlock("README.md", 10, language, text))
    assert told(list(commands.read_all(texts))) == expected


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a/deploy.sh", "gcloud info", [(1, "gcloud", "info")]),
        ("a/deploy.bat", "@echo off\r\ncall gcloud info", [(2, "gcloud", "info")]),
        (
            "a/deploy.bat",
            "SETLOCAL\r\nCALL gcloud info\r\nIF EXIST x gsutil ls",
            [(2, "gcloud", "info"), (3, "gsutil", "ls")],
        ),
        ("a/deploy.bat", 'if /i not "%1"=="x" (\r\n  gcloud info\r\n)', [(2, "gcloud", "info")]),
        ("a/deploy.ps1", "gcloud info", [(1, "gcloud", "info")]),
        ("Makefile", "x:\n\t@gcloud info", [(2, "gcloud", "info")]),
        ("justfile", "x:\n    gcloud info", [(2, "gcloud", "info")]),
        ("Dockerfile", "FROM x\nRUN apt update && \\\n    gsutil ls\nCOPY a b", [(3, "gsutil", "ls")]),
        (
            ".github/workflows/x.yml",
            "jobs:\n  a:\n    steps:\n      - run: |\n          gcloud info\n          gsutil ls\n      - run: aws s3 ls\n",
            [(5, "gcloud", "info"), (6, "gsutil", "ls"), (7, "aws", "s3 ls")],
        ),
        ("run", "#!/usr/bin/env bash\ngcloud info", [(2, "gcloud", "info")]),
        ("notes.txt", "gcloud info", []),
    ],
)
def test_files(path: str, text: str, expected: list[tuple[int, str, str]]) -> None:
    assert told(list(commands.read_all(commands.from_file(path, text)))) == expected


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet=st.sampled_from(list("ab$%#>! \n\t\\^`:=-()'\"{}[];&|<@~.EOF")), max_size=80),
    st.sampled_from(["", "bash", "console", "python", "bat", "powershell", "makefile", "yaml"]),
    st.sampled_from(["x.sh", "x.bat", "x.ps1", "Makefile", "Dockerfile", ".github/workflows/x.yml", "x"]),
)
def test_any_block_and_any_file_is_read(text: str, language: str, path: str) -> None:
    texts = (*commands.from_block(CodeBlock("README.md", 3, language, text)), *commands.from_file(path, text))
    for command in commands.read_all(texts):
        assert 1 <= command.line <= 3 + text.count("\n") + text.count("\r") + 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Makefile", "a:" * 100_000),
        ("Makefile", "A = " + " #" * 100_000),
        ("Makefile", "A = $(B)$(B)\nB = $(A)$(A)\n" * 5_000 + "x:\n\tgcloud $(A)"),
        ("Makefile", "\\\n" * 50_000),
        ("Dockerfile", "RUN " * 50_000),
        ("Dockerfile", "ENV A=1\nRUN x\n" * 10_000),
        (".github/workflows/x.yml", "- run: |\n" * 20_000),
        (".github/workflows/x.yml", " " * 200_000 + "run:"),
        ("x.bat", "set A=%A%%A%\n" * 2_000 + "gcloud %A%"),
    ],
)
def test_hostile_files(path: str, text: str) -> None:
    block = CodeBlock("README.md", 1, "", text)
    with within_a_files_bound():
        commands.read_all(commands.from_file(path, text))
        commands.read_all(commands.from_block(block))
