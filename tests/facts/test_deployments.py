"""Text in, declarations and uploads out: every form in which a runtime, a Python version or a container is given."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.facts import commands, deployments
from grader.facts.code import CodeBlock, Origin, ShellText, WrittenText
from grader.facts.declared import declared
from grader.facts.records import Upload, Version

SKLEARN = "us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-6:latest"
CREATE = "gcloud ai-platform versions create v1 --model m"
LAB_YAML = """deploymentUri: "gs://BUCKET/"
runtimeVersion: '1.4'
framework: "SCIKIT_LEARN"
pythonVersion: "3.5"
"""


def read(
    *texts: ShellText,
    written: tuple[WrittenText, ...] = (),
    data: dict[str, str] | None = None,
    blocks: tuple[CodeBlock, ...] = (),
) -> tuple[Version, ...]:
    return deployments.read(commands.read_all(texts), written, data or {}, blocks)[0]


def sh(text: str, path: str = "deploy.sh", cell: int | None = None, line: int = 1) -> ShellText:
    return ShellText(path, cell, line, text)


def short(version: Version) -> tuple[object, ...]:
    return (version.line, version.form, version.runtime_version, version.python_version, version.container)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{CREATE} --runtime-version 1.13", [(1, "flag", "1.13", None, None)]),
        (f"{CREATE} --runtime-version=2.6", [(1, "flag", "2.6", None, None)]),
        (f'{CREATE} --runtime-version="1.14"', [(1, "flag", "1.14", None, None)]),
        (
            f"{CREATE} \\\n  --python-version=3.7 \\\n  --runtime-version=2.1",
            [(3, "flag", "2.1", "3.7", None)],
        ),
        (f"{CREATE} \\\n  --python-version=3.7", [(2, "flag", None, "3.7", None)]),
        (CREATE, [(1, "flag", None, None, None)]),
        (f"{CREATE} --runtime-version= --python-version ''", [(1, "flag", "", "", None)]),
        (f"{CREATE} --runtime-version --framework x", [(1, "flag", "", None, None)]),
        (f"V=2.6\n\n{CREATE} --runtime-version $V", [(1, "shell-variable", "2.6", None, None)]),
        (f"MAJOR=2\n\n{CREATE} \\\n --runtime-version $MAJOR.11", [(4, "flag", "2.11", None, None)]),
        (f"A='--runtime-version 2.6'\n{CREATE} $A", [(1, "shell-variable", "2.6", None, None)]),
        (f"{CREATE} --runtime-version $V", [(1, "flag", None, None, None)]),
        (f"V=$1\n{CREATE} --runtime-version $V", [(2, "flag", None, None, None)]),
        (f"{CREATE} --runtime-version [VERSION]", [(1, "flag", None, None, None)]),
        (f"{CREATE} --runtime-version YOUR_VERSION", [(1, "flag", None, None, None)]),
        (f"{CREATE} \u2014runtime-version=2.6", [(1, "flag", "2.6", None, None)]),
        (f"{CREATE} --runtime-version=\u201c2.6\u201d", [(1, "flag", "2.6", None, None)]),
        (f"{CREATE} --image gcr.io/p/i", [(1, "flag", None, None, "gcr.io/p/i")]),
        ("gcloud ml-engine versions create v --runtime-version 1.8", [(1, "flag", "1.8", None, None)]),
        ("gcloud alpha ml-engine versions create v --runtime-version 1.8", [(1, "flag", "1.8", None, None)]),
        (
            "gcloud --quiet beta ai-platform versions create v --runtime-version 2.2",
            [(1, "flag", "2.2", None, None)],
        ),
        (f"gcloud ai models upload --container-image-uri={SKLEARN}", [(1, "flag", None, None, SKLEARN)]),
        (
            f"I={SKLEARN}\ngcloud ai models upload \\\n --container-image-uri $I",
            [(1, "shell-variable", None, None, SKLEARN)],
        ),
        (
            f"{CREATE} --runtime-version 1.15\n{CREATE} --runtime-version 2.4",
            [(1, "flag", "1.15", None, None), (2, "flag", "2.4", None, None)],
        ),
        ("gcloud ai-platform jobs submit training j --runtime-version 2.1 --python-version 3.7", []),
        ("gcloud ai-platform models create m --regions x", []),
        ("gcloud ai-platform local predict --runtime-version 2.1", []),
        ("gcloud app deploy app.yaml", []),
        ("gcloud ai endpoints deploy-model e --model m", []),
        (f"echo '{CREATE} --runtime-version 2.1'", []),
        (f"# {CREATE} --runtime-version 2.1", []),
        (f"cat <<EOF\n{CREATE}\nEOF", []),
    ],
)
def test_commands(text: str, expected: list[tuple[object, ...]]) -> None:
    assert [short(v) for v in read(sh(text))] == expected


@pytest.mark.parametrize(
    ("path", "dialect", "text", "line"),
    [
        ("Makefile", "make", f"V ?= 2.8\nd:\n\t{CREATE} \\\n\t  --runtime-version $(V)", 1),
        ("d.bat", "bat", f"set V=2.8\r\n{CREATE} ^\r\n  --runtime-version=%V%", 1),
        ("d.ps1", "powershell", f"$V = '2.8'\n{CREATE} `\n  --runtime-version=$V", 1),
    ],
)
def test_other_shells(path: str, dialect: str, text: str, line: int) -> None:
    (version,) = read(ShellText(path, None, 1, text, dialect))  # type: ignore[arg-type]
    assert short(version) == (line, "shell-variable", "2.8", None, None)


@pytest.mark.parametrize("line", ["source config.sh", ". ./config.sh", 'source "$(dirname "$0")/config.sh"'])
def test_a_variable_of_a_sourced_script(line: str) -> None:
    config = sh("# versions\nexport V=2.8\ngcloud info", "d/config.sh")
    found = read(sh(f"{line}\n{CREATE} --runtime-version=$V", "d/deploy.sh"), config)
    assert [(v.path, *short(v)) for v in found] == [("d/config.sh", 2, "shell-variable", "2.8", None, None)]
    assert found[0].declared_by == "d/deploy.sh"


def test_scripts_that_source_each_other_end() -> None:
    texts = [sh(f"{'. ./b.sh; ' * 50}\nA=$A$A", "a.sh"), sh(f"{'. ./a.sh; ' * 50}\nA=x$A", "b.sh")]
    assert read(*texts) == ()


def test_the_labs_notebook_is_one_declaration_in_its_yaml_cell() -> None:
    written = WrittenText("gcp.ipynb", 3, 2, "./config.yaml", LAB_YAML)
    (version,) = read(sh(f"{CREATE} --config config.yaml", "gcp.ipynb", 5), written=(written,))
    assert (version.cell, *short(version)) == (3, 3, "yaml", "1.4", "3.5", None)
    assert version.origin == "gs://BUCKET/"
    assert version.framework == "SCIKIT_LEARN"


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        ("runtimeVersion: '2.4'\npythonVersion:\n", (1, "yaml", "2.4", "", None)),
        ("runtimeVersion: 2.10\n", (1, "yaml", "2.10", None, None)),
        ("runtimeVersion:\npythonVersion: '3.7'\n", (1, "yaml", "", "3.7", None)),
        ("framework: SCIKIT_LEARN\n\npythonVersion: '3.7'\n", (3, "yaml", None, "3.7", None)),
        ('{"runtimeVersion": "2.4",\n "pythonVersion": ""}', (1, "json", "2.4", "", None)),
        ('{\t"deploymentUri": "x",\n\t"runtimeVersion": "2.4"}', (2, "json", "2.4", None, None)),
        ("runtimeVersion: $V\n", (1, "yaml", None, None, None)),
        ("# runtimeVersion: '1.4'\nruntimeVersion: '2.4'\n", (2, "yaml", "2.4", None, None)),
        ("a: {{ b\nruntimeVersion: '2.4'\n", (2, "yaml", "2.4", None, None)),
        ("runtimeVersion: '2.4'\r\npythonVersion: '3.7'\r\n", (1, "yaml", "2.4", "3.7", None)),
    ],
)
def test_config_files(yaml: str, expected: tuple[object, ...]) -> None:
    (version,) = read(sh(f"{CREATE} --config=config.yaml", "d/deploy.sh"), data={"d/config.yaml": yaml})
    assert short(version) == expected
    assert (version.path, version.declared_by) == ("d/config.yaml", "d/deploy.sh")


def test_a_flag_goes_before_the_file() -> None:
    (version,) = read(sh(f"{CREATE} --config c.yaml --runtime-version 2.8"), data={"c.yaml": LAB_YAML})
    assert short(version) == (1, "flag", "2.8", "3.5", None)


def test_a_file_that_is_not_here_leaves_it_open() -> None:
    (version,) = read(sh(f"{CREATE} --config c.yaml"))
    assert version.runtime_version is None
    assert set(version.unresolved) >= {"runtime_version", "python_version"}


def test_the_file_written_last_before_the_command_counts() -> None:
    written = (
        WrittenText("n.ipynb", 1, 2, "c.yaml", "runtimeVersion: '1.4'"),
        WrittenText("n.ipynb", 3, 2, "c.yaml", "runtimeVersion: '2.4'"),
        WrittenText("n.ipynb", 7, 2, "c.yaml", "runtimeVersion: '2.8'"),
        WrittenText("other.ipynb", 2, 2, "c.yaml", "runtimeVersion: '1.8'"),
    )
    found = read(sh(f"{CREATE} --config c.yaml", "n.ipynb", 4), written=written)
    assert [(v.cell, v.runtime_version) for v in found] == [(3, "2.4")]


def test_a_file_that_is_overwritten_or_left_on_disk_is_no_declaration_of_its_own() -> None:
    written = (
        WrittenText("d/n.ipynb", 1, 2, "c.yaml", LAB_YAML),
        WrittenText("d/n.ipynb", 3, 2, "./c.yaml", LAB_YAML.replace("1.4", "2.4")),
    )
    disk = {"d/c.yaml": LAB_YAML.replace("1.4", "1.8"), "elsewhere/c.yaml": LAB_YAML.replace("1.4", "1.10")}
    command = sh(f"{CREATE} --config c.yaml", "d/n.ipynb", 4)
    found = read(command, written=written, data=disk)
    assert [(v.path, v.runtime_version) for v in found] == [
        ("d/n.ipynb", "2.4"),
        ("elsewhere/c.yaml", "1.10"),
    ]
    assert [v.cell for v in read(written=written[:1], data=disk)] == [1, None]


def test_a_config_that_a_shell_writes() -> None:
    text = f"V=2.4\ncat > c.yaml <<EOF\npythonVersion:\nruntimeVersion: '$V'\nEOF\n{CREATE} --config c.yaml"
    assert [short(v) for v in read(sh(text))] == [(1, "shell-variable", "2.4", "", None)]


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        ("config.yaml", LAB_YAML, 1),
        ("version.json", '{"name": "v1", "deploymentUri": "gs://b", "runtimeVersion": "1.15"}', 1),
        (
            "request.json",
            '{"model": {"displayName": "m", "containerSpec": {"imageUri": "x"}, "artifactUri": "gs://b"}}',
            1,
        ),
        ("train.yaml", "trainingInput:\n  runtimeVersion: '2.1'\n  pythonVersion: '3.7'\n", 0),
        ("train.yaml", "scaleTier: BASIC\nruntimeVersion: '2.1'\npythonVersion: '3.7'\n", 0),
        ("app.yaml", "runtime: python38\n", 0),
        ("app.yaml", "runtime_config:\n  runtimeVersion: '3.8'\n", 0),
        ("job.json", '{"workerPoolSpecs": [{"containerSpec": {"imageUri": "x"}}]}', 0),
        ("canary.json", '{"runtimeVersion": "syn-nodejs-2.0"}', 0),
        ("batch.json", '{"predictionInput": {"runtimeVersion": "2.1", "framework": "SCIKIT_LEARN"}}', 0),
    ],
)
def test_files_that_no_command_names(name: str, text: str, count: int) -> None:
    assert len(read(data={name: text})) == count


def test_a_training_jobs_config_is_none() -> None:
    job = sh("gcloud ai-platform jobs submit training j --config c.yaml")
    assert read(job, data={"c.yaml": LAB_YAML}) == ()


CURL = """curl -X POST -H "Content-Type: application/json" \\
  -d '{"name": "v1",
       "runtimeVersion": "1.4", "pythonVersion": "3.5"}' \\
  -H "Authorization: Bearer `gcloud auth print-access-token`" \\
  https://ml.googleapis.com/v1/projects/P/models/M/versions"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CURL, [(3, "json", "1.4", "3.5", None)]),
        (
            'curl -d @- https://ml.googleapis.com/v1/projects/P/models/M/versions <<E\n{\n "runtimeVersion": "2.4"}\nE',
            [(3, "json", "2.4", None, None)],
        ),
        (
            'V=2.4\ncurl https://ml.googleapis.com/v1/projects/P/models/M/versions --data "{\\"runtimeVersion\\": \\"$V\\"}"',
            [(1, "shell-variable", "2.4", None, None)],
        ),
        ("curl -d '{\"instances\": [1]}' https://ml.googleapis.com/v1/projects/P/models/M:predict", []),
        ("curl https://example.com/versions", []),
    ],
)
def test_rest(text: str, expected: list[tuple[object, ...]]) -> None:
    assert [short(v) for v in read(sh(text))] == expected


def test_rest_with_a_file() -> None:
    text = "curl -d @v.json https://ml.googleapis.com/v1/projects/P/models/M/versions"
    (version,) = read(sh(text, "d/x.sh"), data={"d/v.json": '{\n"runtimeVersion": "2.4"}'})
    assert (version.path, version.line, version.runtime_version) == ("d/v.json", 2, "2.4")


def test_readme_blocks() -> None:
    block = CodeBlock("README.md", 20, "yaml", LAB_YAML)
    (version,) = read(blocks=(block,))
    assert (version.path, version.line, version.via) == ("README.md", 21, "readme")
    texts = commands.from_block(
        CodeBlock("README.md", 5, "bash", f"$ {CREATE} \\\n>   --runtime-version 2.11")
    )
    (version,) = read(*texts)
    assert (version.line, version.runtime_version, version.via) == (6, "2.11", "readme")


def test_a_file_that_a_readme_names_is_code() -> None:
    texts = commands.from_block(
        CodeBlock("gcp_deploy/README.md", 5, "bash", f"{CREATE} --config config.yaml")
    )
    (version,) = read(*texts, data={"gcp_deploy/config.yaml": LAB_YAML})
    assert (version.path, version.via, version.declared_by) == (
        "gcp_deploy/config.yaml",
        "code",
        "gcp_deploy/README.md",
    )


def test_a_constant_of_the_notebook() -> None:
    origin = Origin("n.ipynb", 1, 4, "python")
    text = ShellText(
        "n.ipynb", 5, 1, f"{CREATE} --runtime-version={{V}}", variables={"V": "2.1"}, origins={"V": origin}
    )
    (version,) = read(text)
    assert (version.cell, version.line, version.form, version.runtime_version) == (1, 4, "python", "2.1")
    (version,) = read(
        ShellText("n.ipynb", 5, 1, f"{CREATE} \\\n --runtime-version=$V", variables={"V": "2.1"})
    )
    assert (version.cell, version.line, version.form, version.runtime_version) == (5, 2, "flag", "2.1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gsutil cp model.joblib gs://b/m/", [("model.joblib", "gs://b/m/")]),
        ("gsutil -m cp -r -a public-read ./out gs://b", [("./out", "gs://b")]),
        ("B=gs://b\ngsutil cp ./model.pkl $B/model.pkl", [("./model.pkl", "gs://b/model.pkl")]),
        ("gsutil cp model.pkl $B/", [("model.pkl", "$B/")]),
        ("gsutil cp a.pkl b.pkl gs://b/", [("a.pkl", "gs://b/"), ("b.pkl", "gs://b/")]),
        ("gsutil cp gs://b/model.pkl .", []),
        ("gsutil cp gs://a/x gs://b/x", []),
        ("gcloud storage cp model.joblib gs://b/ --project p", [("model.joblib", "gs://b/")]),
        ("gsutil rsync -r dir gs://b", [("dir", "gs://b")]),
        ("aws s3 cp model.tar.gz s3://b/m/ --region x", [("model.tar.gz", "s3://b/m/")]),
        ("aws s3 sync . s3://b --exclude '*'", [(".", "s3://b")]),
        (
            "aws s3api put-object --bucket b --key k/model.tar.gz --body model.tar.gz",
            [("model.tar.gz", "s3://b/k/model.tar.gz")],
        ),
        ("mv iris.pkl model.pkl", [("iris.pkl", "model.pkl")]),
        ("cp -f iris.joblib out/model.joblib", [("iris.joblib", "out/model.joblib")]),
        ("cp a.txt b.txt", []),
    ],
)
def test_uploads(text: str, expected: list[tuple[str, str]]) -> None:
    uploads: tuple[Upload, ...] = deployments.read(commands.read_all([sh(text)]), (), {})[1]
    assert [(u.source, u.target) for u in uploads] == expected


def test_aliases_are_not_expanded() -> None:
    rows = ["a0: &a0 {runtimeVersion: '2.4', framework: SCIKIT_LEARN}"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert len(declared("\n".join(rows))) == 1


@pytest.mark.parametrize(
    "text",
    ["[" * 60_000 + "runtimeVersion", "{a: " * 10_000 + "runtimeVersion: 1", "runtimeVersion: " * 40_000],
)
def test_hostile_data(text: str) -> None:
    declared(text)


FRAGMENTS = [
    "runtimeVersion",
    "pythonVersion",
    ": ",
    "'2.4'",
    "\n",
    "{",
    "}",
    "[",
    "]",
    '"',
    ",",
    "- ",
    "&a ",
    "*a",
    "\t",
    "%",
    "x",
    "!!int ",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join), st.text(max_size=60))
def test_any_data_is_read(made: str, text: str) -> None:
    found = read(
        sh(f"{CREATE} --config c.yaml\n{text}"),
        data={"c.yaml": made, "d.json": f'{{"runtimeVersion": {text}'},
    )
    assert len([v for v in found if v.declared_by or v.path == "deploy.sh"]) >= 1
