"""SageMaker models that commands, templates and requests declare."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.facts import commands, containers
from grader.facts.code import CodeBlock, ShellText, WrittenText
from grader.facts.records import ModelCall

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
FILES = frozenset({"aws_deploy/inference.py", "aws_deploy/src/serve.py", "top.py"})


def read(
    *,
    shell: str = "",
    data: dict[str, str] | None = None,
    written: tuple[WrittenText, ...] = (),
    blocks: tuple[CodeBlock, ...] = (),
) -> tuple[ModelCall, ...]:
    run = commands.read_all([ShellText("aws_deploy/create.sh", None, 1, shell)])
    return containers.read(run, written, data or {}, blocks, FILES, ("aws_deploy",))


def one(**named: object) -> ModelCall:
    (found,) = read(**named)  # type: ignore[arg-type]
    return found


CREATE = "aws sagemaker create-model --model-name m --execution-role-arn arn:aws:iam::1:role/r "


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        (f"{CREATE}--primary-container Image={IMAGE},ModelDataUrl=s3://b/m.tar.gz,Environment={{SAGEMAKER_PROGRAM=inference.py}}", 1),
        (f"{CREATE}\\\n  --primary-container \\\n  'Image={IMAGE},Environment={{SAGEMAKER_PROGRAM=inference.py}},ModelDataUrl=s3://b/m.tar.gz'", 3),
        (
            f'{CREATE}\\\n  --primary-container \'{{"Image": "{IMAGE}",\n  "ModelDataUrl": "s3://b/m.tar.gz",\n  '
            '"Environment": {"SAGEMAKER_PROGRAM": "inference.py"}}\'',
            4,
        ),
        (f'{CREATE}--primary-container=\'{{"Image":"{IMAGE}","ModelDataUrl":"s3://b/m.tar.gz","Environment":{{"SAGEMAKER_PROGRAM":"inference.py"}}}}\'', 1),
        (f"{CREATE}--containers Image={IMAGE},ModelDataUrl=s3://b/m.tar.gz,Environment={{SAGEMAKER_PROGRAM=inference.py}}", 1),
        (f"URI={IMAGE}\n{CREATE}--primary-container Image=$URI,ModelDataUrl=s3://b/m.tar.gz,Environment={{SAGEMAKER_PROGRAM=inference.py}}", 2),
        (
            f"cat > c.json <<EOF\n{{\n\"Image\": \"{IMAGE}\",\n\"ModelDataUrl\": \"s3://b/m.tar.gz\",\n"
            f"\"Environment\": {{\"SAGEMAKER_PROGRAM\": \"inference.py\"}}\n}}\nEOF\n{CREATE}--primary-container file://c.json",
            5,
        ),
    ],
)  # fmt: skip
def test_the_command_line(shell: str, line: int) -> None:
    call = one(shell=shell)
    assert (call.class_name, call.entry_point, call.framework_version) == (
        "create_model",
        "inference.py",
        "1.2-1",
    )
    assert (call.model_data, call.script, call.line) == (
        "s3://b/m.tar.gz",
        "aws_deploy/inference.py",
        line,
    )


TEMPLATE = f"""Parameters:
  Program:
    Type: String
    Default: src/serve.py
  Bucket:
    Type: String
Resources:
  Model:
    Type: AWS::SageMaker::Model
    Properties:
      PrimaryContainer:
        Image: !Sub "{IMAGE.replace("us-east-1", "${AWS::Region}")}"
        ModelDataUrl: !Sub "s3://${{Bucket}}/model.tar.gz"
        Environment:
          SAGEMAKER_PROGRAM: !Ref Program
"""


@pytest.mark.parametrize(
    ("text", "entry", "script", "version", "data", "line"),
    [
        (TEMPLATE, "src/serve.py", "aws_deploy/src/serve.py", "1.2-1", None, 15),
        (
            '{"CreateModelRequest": {"PrimaryContainer": {\n"Image": "' + IMAGE + '",\n"ModelDataUrl": "s3://b/m.tar.gz",\n'
            '"Environment": {\n"SAGEMAKER_PROGRAM": "top.py"}}}}',
            "top.py", "top.py", "1.2-1", "s3://b/m.tar.gz", 5,
        ),
        (
            f"States:\n  Make:\n    Parameters:\n      Containers:\n      - Image: {IMAGE}\n        Environment: {{SAGEMAKER_PROGRAM: gone.py}}\n",
            "gone.py", None, "1.2-1", None, 6,
        ),
        ("C:\n  Environment:\n    SAGEMAKER_PROGRAM: inference.py\n  Image: {Ref: Image}\n",
         "inference.py", "aws_deploy/inference.py", None, None, 3),
        ('{"Image": {"Fn::Sub": "' + IMAGE + '"}, "ModelDataUrl": "s3://b/m"}', None, None, "1.2-1", "s3://b/m", 1),
        ("Image: r/sagemaker-scikit-learn:9.9-9-cpu-py3\nModelDataUrl: s3://b/m\n", None, None, None, "s3://b/m", 1),
    ],
)  # fmt: skip
def test_templates_and_requests(
    text: str, entry: str | None, script: str | None, version: str | None, data: str | None, line: int
) -> None:
    call = one(data={"aws_deploy/stack.yaml": text})
    assert (call.entry_point, call.script, call.framework_version) == (entry, script, version)
    assert (call.model_data, call.line, call.path) == (data, line, "aws_deploy/stack.yaml")
    assert call.entry_point_given == (entry is not None)


def test_a_tag_that_is_left_open_is_no_image() -> None:
    call = one(data={"s.yaml": "Image: !Sub 'x/sagemaker-scikit-learn:${Tag}'\nModelDataUrl: s3://b/m\n"})
    assert (call.image, call.framework, call.framework_version) == (None, "sklearn", None)


def test_the_program_by_an_unknown_parameter_is_given_and_not_known() -> None:
    call = one(data={"s.yaml": "Image: i\nEnvironment:\n  SAGEMAKER_PROGRAM: !Ref Program\n"})
    assert (call.entry_point, call.entry_point_given, call.script) == (None, True, None)


def test_written_by_a_notebook_and_quoted_in_a_readme() -> None:
    text = '{"Environment": {"SAGEMAKER_PROGRAM": "inference.py"}}'
    written = one(written=(WrittenText("aws_deploy/d.ipynb", 3, 2, "aws_deploy/c.json", text),))
    assert (written.path, written.cell, written.line, written.via) == (
        "aws_deploy/d.ipynb",
        3,
        2,
        "writefile",
    )
    quoted = one(blocks=(CodeBlock("aws_deploy/README.md", 7, "json", text),))
    assert (quoted.path, quoted.line, quoted.via) == ("aws_deploy/README.md", 7, "string")


@pytest.mark.parametrize(
    "text",
    [
        "SAGEMAKER_PROGRAM: inference.py\n",  # a flat list of settings says of no container
        "environment:\n  - SAGEMAKER_PROGRAM=inference.py\n",
        "Environment: SAGEMAKER_PROGRAM\n",
        "Image: a.png\n",
        "AlgorithmSpecification: {TrainingImage: x}\nEnvironment: {A: b}\n",
        "",
    ],
)
def test_no_container(text: str) -> None:
    assert read(data={"x.yaml": text}) == ()


def test_other_commands_declare_none() -> None:
    assert read(shell=f"aws sagemaker create-training-job --primary-container Image={IMAGE}") == ()
    assert read(shell=f"{CREATE}--primary-container file://elsewhere.json") == ()


KEYS = ["Image", "ModelDataUrl", "Environment", "SAGEMAKER_PROGRAM", "Fn::Sub", "!Ref a", "&a", "*a", ":", "\n", " ", "{", "}", "-", '"', "${a}", "\t", "Parameters", "Default"]  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(KEYS) | st.text(max_size=5), max_size=40).map("".join))
def test_any_text_is_read(text: str) -> None:
    found = read(
        data={"x.yaml": text, "y.yaml": f"ModelDataUrl: x\nImage: SAGEMAKER_PROGRAM\n{text}"},
        shell=f"{CREATE}--primary-container {text}",
    )
    assert all(call.class_name == "create_model" and call.line >= 1 for call in found)


def test_many_aliases_cost_nothing() -> None:
    rows = "\n".join(f"k{n}: &k{n} [*k{n - 1}, *k{n - 1}]" for n in range(1, 60))
    text = f"k0: &k0 {{Image: i, ModelDataUrl: s3://m, Environment: {{SAGEMAKER_PROGRAM: a.py}}}}\n{rows}\n"
    assert len(read(data={"x.yaml": text})) == 1
