"""READMEs: words, pictures, code, names, scripts, language."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.facts import readme
from grader.facts.code import NotebookCell, NotebookDocument
from tests.bounds import within_a_files_bound

PATHS = frozenset(
    {
        "README.md",
        "aws_deploy/README.md",
        "aws_deploy/deploy.py",
        "aws_deploy/invoke_endpoint.py",
        "aws_deploy/shot.png",
        "aws_deploy/a b.png",
        "aws_deploy/Screen Shot 2020-05-05 at 2.57.29 PM.png",
        "images/1.png",
        "images/Result.PNG",
        "report.pdf",
        "demo.mp4",
        "notebooks/deploy.ipynb",
    }
)
HOME = "aws_deploy/README.md"


def read(text: str, path: str = HOME) -> readme.ReadmeDocument:
    return readme.read(path, text, PATHS)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("README.md", True), ("readme.md", True), ("Readme.MD", True), ("a/README", True), ("README.rst", True),
        ("README.txt", True), ("README_es.md", True), ("README.zh-CN", True), ("README-deploy.md", True),
        ("README.pdf", False), ("README.ipynb", False), ("readme.png", False), ("README.md.swp", False),
        ("NOREADME.md", False), ("readme/x.md", False), ("READ.md", False),
    ],
)  # fmt: skip
def test_readmes_are_known_by_name(path: str, expected: bool) -> None:
    assert readme.is_readme(path) is expected


@pytest.mark.parametrize(
    ("text", "words"), [("", 0), (" \n\t\n", 0), ("# A b\n\n`c`  d\n", 5), ("모델 배포", 2)]
)
def test_words_are_what_white_space_parts(text: str, words: int) -> None:
    assert read(text).readme.words == words


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("no code", 0),
        ("```bash\na\n```\n\n~~~\nb\n~~~\n", 2),
        ("text\n\n    indented\n\n    still\n\nend\n\n\tother\n", 2),
        ("1. one\n   ```sh\n   a\n   ```\n2. two\n\n       indented\n", 2),
        ("```\nnever closed\n", 1),
        ("inline `code` and ```more```", 0),
        ("paragraph\n    continued, no code\n", 0),
        ("> ```\n> quoted\n> ```\n", 1),
        ("```shell script\na\n```", 1),
        ("\r\n```\r\na\r\n```\r\n", 1),
    ],
)
def test_code_blocks_are_counted(text: str, count: int) -> None:
    found = read(text)
    assert found.readme.code_blocks == len(found.code_blocks) == count


def test_a_code_block_knows_its_first_line_and_language() -> None:
    first, second = read("# T\n\n```Bash\ngcloud x\n```\n\ntext\n\n    indented\n").code_blocks
    assert (first.line, first.language, first.text) == (4, "bash", "gcloud x\n")
    assert (second.line, second.language, second.text) == (9, "", "indented\n")


@pytest.mark.parametrize(
    ("text", "images"),
    [
        ("![](shot.png)", ["shot.png"]),
        ("![a](a%20b.png 'title')", ["a%20b.png"]),
        ("![a](<a b.png>)", ["a b.png"]),
        ("![a](a b.png)", ["a b.png"]),
        ("![](Screen Shot 2020-05-05 at 2.57.29 PM.png)", ["Screen Shot 2020-05-05 at 2.57.29 PM.png"]),
        ("![](shot (1).png)", ["shot (1).png"]),
        ("![r][one]\n\n[one]: ./shot.png", ["./shot.png"]),
        ("![[shot.png]]", ["shot.png"]),
        ("<p><img width='5' src='shot.png'></p>", ["shot.png"]),
        ("text <img src=shot.png /> text", ["shot.png"]),
        ('<img alt="a > b"\n src="shot.png">', ["shot.png"]),
        ("[![b](https://img.shields.io/a.svg)](https://x)", ["https://img.shields.io/a.svg"]),
        ("| a |\n|---|\n| ![](shot.png) |", ["shot.png"]),
        ("- a\n  - b\n    - ![](shot.png)", ["shot.png"]),
        ("![](shot.png) ![](shot.png)", ["shot.png"]),
        ("`![](shot.png)`", []),
        ("```\n![](shot.png)\n```", []),
        ("    ![](shot.png)", []),
        ("<!-- ![](shot.png) <img src='shot.png'> -->", []),
        ("<!--\n\n![](shot.png)\n\n-->", []),
        ("[link](shot.png)", []),
        ("\\![](shot.png)", []),
    ],
)
def test_images_are_the_targets_as_written(text: str, images: list[str]) -> None:
    assert list(read(text).readme.images) == images


@pytest.mark.parametrize(
    ("text", "kind", "target"),
    [
        ("![](shot.png)", "local", "aws_deploy/shot.png"),
        ("![](./shot.png?raw=true)", "local", "aws_deploy/shot.png"),
        ("![](a%20b.png)", "local", "aws_deploy/a b.png"),
        ("![](../images/1.png)", "local", "images/1.png"),
        ("![](/images/1.png)", "local", "images/1.png"),
        ("![](images/1.png)", "local", "images/1.png"),
        ("![](..\\images\\1.png)", "local", "images/1.png"),
        ("![](../images/result.png)", "local", "images/Result.PNG"),
        ("![](https://github.com/u/r/blob/main/images/1.png)", "local", "images/1.png"),
        ("![](https://github.com/u/r/blob/fix/it/images/1.png?raw=true)", "local", "images/1.png"),
        ("![](https://raw.githubusercontent.com/u/r/main/images/1.png)", "local", "images/1.png"),
        ("[the picture](shot.png)", "local", "aws_deploy/shot.png"),
        ("![](../../../../etc/passwd.png)", "missing", "../../../../etc/passwd.png"),
        ("![](gone.png)", "missing", "gone.png"),
        ("![](https://example.org/x.png)", "remote", "https://example.org/x.png"),
        (
            "![](https://github.com/u/r/blob/main/none.png)",
            "remote",
            "https://github.com/u/r/blob/main/none.png",
        ),
        (
            "<img src='https://github.com/user-attachments/assets/1-2'>",
            "remote",
            "https://github.com/user-attachments/assets/1-2",
        ),
        (
            "https://github.com/user-attachments/assets/1-2",
            "remote",
            "https://github.com/user-attachments/assets/1-2",
        ),
        (
            "[shot](https://drive.google.com/file/d/1/view)",
            "remote",
            "https://drive.google.com/file/d/1/view",
        ),
        ("[clip](https://youtu.be/abc)", "video", "https://youtu.be/abc"),
        ("<video src='../demo.mp4'></video>", "video", "demo.mp4"),
        ("[report](../report.pdf)", "pdf", "report.pdf"),
        ("![](data:image/png;base64,AAAA)", "attachment", "data:image/png;base64"),
    ],
)
def test_illustrations_are_resolved(text: str, kind: str, target: str) -> None:
    (found,) = read(text).illustrations
    assert (found.kind, found.target) == (kind, target)


@pytest.mark.parametrize(
    "text",
    ["[docs](https://aws.amazon.com/x)", "[code](deploy.py)", "![](javascript:alert(1))", "no picture"],
)
def test_other_links_are_no_illustrations(text: str) -> None:
    assert read(text).illustrations == ()


@pytest.mark.parametrize(
    ("text", "decoration"),
    [
        ("[![b](https://img.shields.io/a.svg)](https://x)", True),
        (
            "![This us-west-2 badge failed to load. Is the line up?](https://x.example/nb/us-west-2/a.ipynb)",
            True,
        ),
        ("![t](https://a1b2.execute-api.us-east-1.amazonaws.com/sagemaker-nb/us-east-1/a.ipynb)", True),
        ("![build badge](https://ci.example/p/status)", True),
        ("![prediction of the badge reader](https://x.example/p)", False),
        ("![](https://github.com/u/r/actions/workflows/ci.yml/badge.svg)", True),
        ("![](https://colab.research.google.com/assets/colab-badge.svg)", True),
        ("![](https://example.org/logo.png)", True),
        ("<img src='https://example.org/x.png' width='32'>", True),
        ("![](https://example.org/shot.png)", False),
        ("<img src='https://example.org/x.png' width='640'>", False),
    ],
)
def test_decorations_are_known(text: str, decoration: bool) -> None:
    (found,) = read(text).illustrations
    assert found.decoration is decoration


def test_lines_are_those_of_the_text() -> None:
    found = read("# T\n\na\nb ![](shot.png)\n\n<div>\n\n<img src='a%20b.png'>\n</div>\n").illustrations
    assert [shown.line for shown in found] == [4, 8]


@pytest.mark.parametrize(
    ("text", "blocks", "images"),
    [
        ("T\n=\n\n.. image:: shot.png\n   :alt: x\n", 0, ["shot.png"]),
        ("Run::\n\n    aws s3 cp a b\n\nend\n", 1, []),
        (".. code-block:: bash\n\n   gcloud x\n\ntext\n\n.. figure:: a.png\n", 1, ["a.png"]),
        (".. |b| image:: https://img.shields.io/a.svg\n", 0, ["https://img.shields.io/a.svg"]),
    ],
)
def test_restructured_text_is_read(text: str, blocks: int, images: list[str]) -> None:
    found = read(text, "README.rst").readme
    assert (found.code_blocks, list(found.images)) == (blocks, images)


def test_files_and_folders_are_named() -> None:
    text = "See `aws_deploy` and deploy.py, [nb](../notebooks/deploy.ipynb), ./shot.png, other_deploy, etc."
    assert set(read(text).readme.names) == {
        "aws_deploy",
        "aws_deploy/deploy.py",
        "notebooks/deploy.ipynb",
        "aws_deploy/shot.png",
    }


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("```\npython deploy.py --now\n```", ["aws_deploy/deploy.py"]),
        ("```\n$ python3 aws_deploy/deploy.py\n```", ["aws_deploy/deploy.py"]),
        ("Run `invoke_endpoint.py` to ask it.", ["aws_deploy/invoke_endpoint.py"]),
        ("Abre y ejecuta notebooks/deploy.ipynb", ["notebooks/deploy.ipynb"]),
        ("deploy.py 를 실행합니다", ["aws_deploy/deploy.py"]),
        ("The notebook is `notebooks/deploy.ipynb`. Run all of its cells.", ["notebooks/deploy.ipynb"]),
        ("- `deploy.py`: the script", []),
        ("python missing.py", []),
    ],
)
def test_scripts_that_it_says_to_run(text: str, runs: list[str]) -> None:
    assert list(read(text).readme.runs) == runs


@pytest.mark.parametrize(
    ("text", "platforms"),
    [
        ("Deployed on AWS SageMaker", ("aws",)),
        ("gcloud ai-platform", ("gcp",)),
        ("Vertex AI와 SageMaker를", ("aws", "gcp")),
        ("laws of goods", ()),
    ],
)
def test_platforms_it_speaks_of(text: str, platforms: tuple[str, ...]) -> None:
    assert read(text).readme.platforms == platforms


_POLISH = "To jest projekt, który wdraża nasz model na chmurze i nie jest opisany po angielsku. " * 5
_RUSSIAN = "Загрузите модель в хранилище, затем создайте конечную точку и отправьте запрос. " * 5
_ENGLISH = "This project is about the price of houses, and the data is from the city. We like it a lot. " * 5


@pytest.mark.parametrize(
    ("text", "language", "judgeable"),
    [
        (_ENGLISH, "en", True),
        (_POLISH, "pl", False),
        (_RUSSIAN, "ru", False),
        (
            "Este proyecto predice el precio de las casas con un modelo que se entrena en la nube. " * 5,
            "es",
            True,
        ),
        ("이 프로젝트는 주택 가격을 예측하는 모델입니다. " * 10, "ko", True),
        ("本项目用于预测房价。" * 20, "zh", True),
        ("このプロジェクトは住宅価格を予測します。" * 10, "ja", True),
        ("![](1.png)\n\n![](2.png)\n\n![](shot.png)\n", None, True),  # two of the three are not there
        ("![](../images/1.png) ![](a%20b.png) ![](shot.png)\n", None, False),
        ("See [our report](../report.pdf).", None, False),
        ("[Instructions](https://docs.google.com/document/d/1)", None, True),
        (
            "We wrote down all of the steps of it, one by one, with pictures and with what came out of each, and put them into a "
            "document: [this](https://docs.google.com/document/d/1).",
            "en",
            False,
        ),
        ("# AWS", None, True),
    ],
)
def test_what_cannot_be_judged_is_told(text: str, language: str | None, judgeable: bool) -> None:
    found = read(text).readme
    assert found.judgeable is judgeable
    if language:
        assert found.language == language


def test_the_assignments_text_is_known() -> None:
    text = (
        "In this lab, you will complete tutorials for machine learning on both AWS and GCP.\n\nCreate a separate folder in your "
        "repository called `{name_of_platform}_deploy`. Deploy a model using your data to one of these platforms.\n"
    )
    found = read(text).readme
    assert found.lab_text
    assert found.instructions == ()
    assert not read(_ENGLISH).readme.lab_text


def test_the_assignments_heading_is_no_instruction() -> None:
    assert read("## 2. Deploy your own model\n").readme.instructions == ()


def test_a_scripts_steps_are_found() -> None:
    text = "import boto3\ns3.upload_file('m.tar.gz', b, k)\n# predictor.predict(x)\npredictor = model.deploy(1, 'ml')\n"
    assert [(s.step, s.line) for s in readme.steps_in_source("d.py", text)] == [
        ("get-model-there", 2),
        ("create", 4),
    ]


def test_a_notebooks_steps_are_found_in_its_code_cells() -> None:
    cells = (
        NotebookCell(0, "markdown", "predictor.predict(x)"),
        NotebookCell(1, "code", "a\npredictor.predict(x)"),
    )
    found = readme.steps_in_notebook(NotebookDocument("n.ipynb", 4, "python", cells))
    assert [(s.step, s.cell, s.line) for s in found] == [("call", 1, 2)]


_MARKS = st.text(alphabet="[](){}<>!`*_~#|-=+:\\/&;\"' \t\n>.ab1www", max_size=300)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(st.text(max_size=300), _MARKS),
    st.sampled_from(["README.md", "README.rst", "README.txt", "README.html"]),
)
def test_any_text_is_taken(text: str, path: str) -> None:
    found = readme.read(path, text, PATHS)
    assert found.readme.words == len(text.replace("\r", "\n").split())
    last = text.count("\n") + text.count("\r") + 1
    assert all(1 <= block.line <= last + 1 for block in found.code_blocks)
    assert all(1 <= (shown.line or 1) <= last for shown in found.illustrations)
    assert all(1 <= sign.line <= last + 1 for sign in found.readme.instructions)


@pytest.mark.parametrize(
    "piece",
    [
        "[", "![", "[a](", "*a_ ", "<a ", "<!--", "> ", "- ", "> a\n", "* a\n", "|a", "|a|b|\n|-|-|\n", "`", "a b.png](", "![a](b c",
        "[a]: b\n", "<img src='", "![](x.png)\n", "upload model bucket ", "create the ", "```\n", "    a\n\n", "gcloud ", "curl ",
        "aws s3 cp a ", "a.py ", "python a.py\n", "x/", "https://", "https://github.com/a/b/blob/", "http://a(", "&#1;", "\\\n", "모델 업로드 ",
        ".. image:: x\n", "::\n\n a\n", "call endpoint ", "deployed ", "the the ", "é" * 30, "model.", "get a ",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["README.md", "README.rst"])
def test_time_is_bounded(piece: str, path: str) -> None:
    size = 30_000 if path.endswith(".md") else 12_000
    text = (piece * (size // len(piece) + 1))[:size]
    with within_a_files_bound():
        readme.read(path, text, PATHS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The model is in the bucket: `gs://cars-lab/cars/` (from Colab).", ("gs://cars-lab/cars/",)),
        ("[here](s3://b/out/model.tar.gz).", ("s3://b/out/model.tar.gz",)),
        ("gs://b/model.joblib.", ("gs://b/model.joblib",)),
        ("```\ngsutil cp gs://b/m/model.pkl .\n```", ("gs://b/m/model.pkl",)),
        ("O modelo está em <https://storage.googleapis.com/b/m.joblib>", ("https://storage.googleapis.com/b/m.joblib",)),
        ("https://b.s3.eu-west-1.amazonaws.com/model.tar.gz?x=1", ("https://b.s3.eu-west-1.amazonaws.com/model.tar.gz?x=1",)),
        ("Model too large, [Drive](https://drive.google.com/file/d/1a/view).", ("https://drive.google.com/file/d/1a/view",)),
        ("gs://a/m.pkl and again gs://a/m.pkl", ("gs://a/m.pkl",)),
        ("The data is in gs://b/data/", ()),
        ("The model was trained on gs://b/data/train.csv", ()),
        ("Copy the model to gs://your-bucket/model.joblib", ()),
        ("Copy the model to gs://<bucket>/model.joblib or s3://$BUCKET/model.tar.gz", ()),
        ("The model: https://github.com/u/r/blob/main/model.joblib", ()),
        ("model.tar.gz is in the folder", ()),
    ],
)  # fmt: skip
def test_addresses_of_models(text: str, expected: tuple[str, ...]) -> None:
    found = readme.read("README.md", text, frozenset()).readme
    assert found.model_addresses == expected
