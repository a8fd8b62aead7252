"""The three steps, in commands, code and ten languages' prose."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.facts import instructions, markdown
from grader.facts import steps as code_steps

PUT, CREATE, CALL = "get-model-there", "create", "call"


def steps(text: str) -> list[str]:
    return sorted(
        {sign.step for sign in instructions.find(markdown.read(text), instructions.language_of(text))}
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("gsutil cp model.joblib gs://bucket/model/", [PUT]),
        ("gsutil -m cp -r model gs://bucket/", [PUT]),
        ("gsutil cp ./model.joblib $MODEL_DIR/model.joblib", [PUT]),
        ("gcloud storage cp model.joblib gs://bucket/", [PUT]),
        ("aws s3 cp model.tar.gz s3://$BUCKET/ --quiet", [PUT]),
        ("aws s3 sync model s3://bucket/model", [PUT]),
        ("gsutil cp gs://bucket/model.joblib .", []),
        ("aws s3 cp s3://bucket/data.csv data.csv", []),
        ("eb create heart-env", [CREATE, PUT]),
        ("gcloud ai models upload --artifact-uri=gs://b/m", [PUT]),
        ("gcloud ai-platform versions create v1 --model m", [CREATE]),
        ("gcloud beta ai-platform versions create v1", [CREATE]),
        ("gcloud --quiet beta ml-engine versions create v1", [CREATE]),
        ("!gcloud --quiet beta ai-platform predict --model m", [CALL]),
        ("gcloud --project p ai-platform versions create v1", [CREATE]),
        ('subprocess.run(["gcloud", "ai-platform", "predict", "--model", M])', [CALL]),
        ("curl -X POST -d '{}' https://ml.googleapis.com/v1/projects/p/models/m/versions", [CREATE]),
        ("gcloud ai-platform models create m", []),
        ("gcloud ai endpoints deploy-model 1 --model 2", [CREATE]),
        ("aws sagemaker create-endpoint --endpoint-name e", [CREATE]),
        ("aws sagemaker create-endpoint-config --name e", []),
        ("gcloud ai-platform predict --model m --json-instances i.json", [CALL]),
        ("gcloud ai endpoints predict 1 --json-request r.json", [CALL]),
        ("aws sagemaker-runtime invoke-endpoint --endpoint-name e out.json", [CALL]),
        ("curl -X POST -d @r.json https://x.execute-api.us-east-1.amazonaws.com/predict", [CALL]),
        ("curl http://localhost:8080/invocations -d 1", []),
        ("curl -O https://sdk.cloud.google.com/install.sh", []),
        ("model_data = session.upload_data('model.tar.gz')", [PUT]),
        ("bucket.blob('model.joblib').upload_from_filename('model.joblib')", [PUT]),
        (
            "predictor = sklearn_model.deploy(instance_type='ml.t2.medium', initial_instance_count=1)",
            [CREATE],
        ),
        ("response = predictor.predict(X_test)", [CALL]),
        ("endpoint.predict(instances=[[1]])", [CALL]),
        ("runtime.invoke_endpoint(EndpointName='e')", [CALL]),
        ("y = model.predict(X)", []),
        ("clf.fit(X, y)", []),
        ("# predictor.predict(X)", []),
        ("pip install sagemaker", []),
        ("python app.py", []),
    ],
)
def test_code_and_commands(line: str, expected: list[str]) -> None:
    assert steps(f"```\n{line}\n```\n") == expected


def test_a_command_goes_on_behind_a_backslash() -> None:
    (found,) = instructions.find(
        markdown.read("text\n\n```\necho\ngcloud ai-platform versions \\\n  create v1\n```\n"), None
    )
    assert (found.line, found.by, found.step) == (5, "command", CREATE)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("python deploy.py", [CREATE]),
        ("python3 scripts/upload_model.py --x", [PUT]),
        ("bash ./invoke_endpoint.sh", [CALL]),
        ("./deploy.sh", [CREATE]),
        ("python deploy_local.py", []),
        ("python train.py", []),
    ],
)
def test_scripts_by_their_names(line: str, expected: list[str]) -> None:
    assert steps(f"Then:\n\n```sh\n{line}\n```\n") == expected


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Upload the model.tar.gz to your S3 bucket.", [PUT]),
        ("I uploaded the model to the S3 bucket.", [PUT]),
        ("The archive was uploaded to a bucket.", [PUT]),
        ("Create a bucket and copy the model artifact into it.", [PUT]),
        ("Create an endpoint in SageMaker.", [CREATE]),
        ("Click **Create endpoint** and wait.", [CREATE]),
        ("We then deployed it to an endpoint.", [CREATE]),
        ("In AI Platform, create a model and a version.", [CREATE]),
        ("An endpoint was created from the console.", [CREATE]),
        ("Invoke the endpoint with a JSON request.", [CALL]),
        ("Send a request to it from Postman.", [CALL]),
        ("Make predictions using the endpoint.", [CALL]),
        ("Then test the deployed model in the console.", [CALL]),
        ("I made a bucket in Cloud Storage and dropped the model.joblib file in it.", [PUT]),
        ("Upload to S3", [PUT]),
        ("Deploy with SageMaker", [CREATE]),
        ("I clicked on New Model, and then New version.", [CREATE]),
        ("Choose Deploy to endpoint.", [CREATE]),
        ("AI Platform > Models > New model, then New version: scikit-learn", [CREATE]),
        ("Vertex AI > Model registry > Import", [PUT]),
        ("Dans AI Platform, créer un modèle puis une version.", [CREATE]),
        ("Sube el modelo al bucket de S3.", [PUT]),
        ("Subimos el archivo model.tar.gz al bucket.", [PUT]),
        ("Se crea el endpoint de SageMaker.", [CREATE]),
        ("Despliega el modelo con la consola.", [CREATE]),
        ("Invoca el endpoint con una petición JSON.", [CALL]),
        ("Faça upload do modelo para o bucket.", [PUT]),
        ("Crie o endpoint.", [CREATE]),
        ("Envie uma requisição ao endpoint.", [CALL]),
        ("Téléversez le modèle dans le bucket.", [PUT]),
        ("Créez un endpoint.", [CREATE]),
        ("Envoyez une requête au point de terminaison.", [CALL]),
        ("Laden Sie das Modell in den Bucket hoch.", [PUT]),
        ("Erstellen Sie einen Endpunkt.", [CREATE]),
        ("Rufen Sie den Endpunkt auf.", [CALL]),
        ("Carica il modello nel bucket.", [PUT]),
        ("Crea l'endpoint.", [CREATE]),
        ("Invoca l'endpoint.", [CALL]),
        ("모델 파일을 S3 버킷에 업로드합니다.", [PUT]),
        ("엔드포인트를 생성합니다.", [CREATE]),
        ("엔드포인트를 호출합니다.", [CALL]),
        ("将模型上传到存储桶。", [PUT]),
        ("创建端点。", [CREATE]),
        ("调用端点。", [CALL]),
        ("モデルをバケットにアップロードします。", [PUT]),
        ("エンドポイントを作成します。", [CREATE]),
        ("エンドポイントを呼び出します。", [CALL]),
    ],
)
def test_sentences_that_instruct(sentence: str, expected: list[str]) -> None:
    assert steps(sentence) == expected


@pytest.mark.parametrize(
    "text",
    [
        "# Predict\n",
        "# House price prediction\n",
        "# Deploying a model to AWS SageMaker\n",
        "This project predicts house prices.",
        "The model predicts whether a patient has diabetes.",
        "This folder contains the code to deploy the model to an endpoint.",
        "This is about how to deploy a model.",
        "The script uploads the model to a bucket, creates an endpoint and invokes it.",
        "An endpoint called linear-learner is used.",
        "We train a model and save it.",
        "We deployed the model on AWS using SageMaker.",
        "I chose a random forest model.",
        "Create a notebook instance in SageMaker.",
        "Click Create Bucket.",
        "Save the model to disk.",
        "Upload the dataset to the S3 bucket.",
        "The predictions are good.",
        "El objetivo de este proyecto es predecir el precio de las casas.",
        "Este modelo predice el precio.",
        "Das Modell sagt den Preis voraus.",
        "이 모델은 가격을 예측합니다.",
        "本项目预测房价。",
        "AWS, SageMaker, S3, endpoint, model.",
        "SageMaker is a fully managed platform that enables developers to train and quickly deploy models.",
        "AI Platform makes it easy for data scientists to deploy models at any scale.",
        "I created a logistic regression model with scikit-learn, to be used on SageMaker.",
    ],
)
def test_what_only_talks_about_it_is_none(text: str) -> None:
    assert steps(text) == []


def test_numbered_headings_instruct() -> None:
    assert steps(
        "## 1. Upload the model to the bucket\n\n## Step 2: Create an endpoint\n\n## 3. Invoke the endpoint\n"
    ) == [
        CALL,
        CREATE,
        PUT,
    ]


def test_a_whole_spanish_readme() -> None:
    text = """# Despliegue

Primero se comprime el modelo y se sube el archivo model.tar.gz al bucket de S3. Después creamos el endpoint desde
la consola de SageMaker. Para la inferencia se invoca el endpoint con una petición que lleva los datos en formato JSON.
"""
    assert steps(text) == [CALL, CREATE, PUT]


def test_no_secret_stands_in_a_sign() -> None:
    key = "AK" + "IA" + "QWERTZUIOPASDFG7"
    (found,) = instructions.find(markdown.read(f"```\naws s3 cp m.tar.gz s3://{key}/ \n```\n"), None)
    assert key not in found.text


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The model is in the bucket and it is ready for you.", "en"),
        ("El modelo está en el bucket y se puede usar con una petición.", "es"),
        ("O modelo está no bucket e pode ser usado com uma requisição.", "pt"),
        ("Le modèle est dans le bucket et vous pouvez le tester avec une requête.", "fr"),
        ("Das Modell ist in dem Bucket und wird mit der Konsole getestet.", "de"),
        ("Il modello è nel bucket e si può usare con la richiesta.", "it"),
        ("SageMaker 모델을 배포하는 방법입니다.", "ko"),
        ("在 SageMaker 上部署模型。", "zh"),
        ("SageMaker にモデルをデプロイします。", "ja"),
        ("Модель в бакете.", "ru"),
        ("", None),
        ("x1 y2 1234", None),
    ],
)
def test_languages_are_told(text: str, language: str | None) -> None:
    assert instructions.language_of(text) == language


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_taken(text: str) -> None:
    assert set(instructions.steps_in_sentence(text)) <= {PUT, CREATE, CALL}
    assert all(line >= 1 for _, line, _ in code_steps.in_code(text))
    assert instructions.amount(text) >= 0
