"""Console steps and short instructions as students write them, in four languages; and sentences that only talk about it."""

from __future__ import annotations

import pytest

from grader.facts import instructions, markdown

PUT, CREATE, CALL = "get-model-there", "create", "call"

ENGLISH = [
    ("First I made a bucket in Google Cloud Storage and uploaded model.joblib to it.", [PUT]),
    ("In the S3 console, open the bucket, press Upload and pick model.tar.gz.", [PUT]),
    ("Drag model.joblib into the bucket with the browser.", [PUT]),
    ("Import the model in Vertex AI Model Registry and choose the scikit-learn container.", [PUT]),
    ("Put your pickled model into a bucket that is in the same region.", [PUT]),
    ("Store the archive in S3.", [PUT]),
    ("The trained model has to be copied to Cloud Storage first.", [PUT]),
    ("Next go to AI Platform > Models and click New Model.", [CREATE]),
    (
        "Give the version a name, choose runtime 2.4 and press Save to create the version in AI Platform.",
        [CREATE],
    ),
    ("Under Inference > Endpoints click Create endpoint and wait until it says InService.", [CREATE]),
    ("Click the three dots and select Deploy to endpoint.", [CREATE]),
    ("In SageMaker, create a model, an endpoint configuration and then the endpoint.", [CREATE]),
    ("Now deploy the model to an endpoint with one n1-standard-2 machine.", [CREATE]),
    ("Deploying to the endpoint takes about ten minutes.", [CREATE]),
    ("Open the Test & Use tab, paste an instance as JSON and click Test.", [CALL]),
    ("On the tab Deploy & test, paste the JSON request and press Predict.", [CALL]),
    ("Finally, get a prediction from the endpoint.", [CALL]),
    ("Send a row of the test data to the endpoint and look at the answer.", [CALL]),
    ("You can now query the endpoint with boto3.", [CALL]),
    ("To test the deployed model, paste one row into the console.", [CALL]),
    ("Call the API with the sample request in request.json.", [CALL]),
    ("This project predicts the quality of wine.", []),
    ("A prediction is a number between 0 and 1.", []),
    ("Open the page on localhost, enter the values and click Predict.", []),
    ("We clicked through the tutorial and tested our predictions on paper.", []),
    ("## Creating the endpoint", []),
    ("- [Upload the model](#upload)\n- [Create the endpoint](#create)\n- [Test the endpoint](#test)", []),
    ("The endpoint is deleted after the lab because it costs money.", []),
    ("Our model was trained on data from a bucket.", []),
]

SPANISH = [
    ("Primero creé un bucket en Cloud Storage y subí el archivo model.joblib.", [PUT]),
    ("En la consola de S3, pulsar Cargar y elegir model.tar.gz para el bucket.", [PUT]),
    ("Arrastra el modelo al bucket desde el navegador.", [PUT]),
    ("Importar el modelo en el Registro de modelos de Vertex AI.", [PUT]),
    ("Se sube el modelo entrenado a un bucket de la misma región.", [PUT]),
    ("Después copiamos el archivo del modelo a Cloud Storage.", [PUT]),
    ("Guardé el modelo en el bucket s3.", [PUT]),
    ("En AI Platform, crear un modelo y luego una versión.", [CREATE]),
    ("Haz clic en Crear punto de conexión y espera unos diez minutos.", [CREATE]),
    ("Elegir «Desplegar en un endpoint» con la máquina más pequeña.", [CREATE]),
    ("Luego se implementa el modelo en un extremo.", [CREATE]),
    ("Creamos el punto final en SageMaker con una instancia ml.t2.medium.", [CREATE]),
    ("Pulsa Crear extremo y ponle un nombre.", [CREATE]),
    ("Desplegamos el modelo en el endpoint desde la consola.", [CREATE]),
    ("Abrir la pestaña «Probar», pegar una fila en formato JSON y pulsar «Predecir».", [CALL]),
    ("En la pestaña Probar y usar, pegamos la instancia y hacemos clic en Probar.", [CALL]),
    ("Para pedir una predicción, enviamos una petición al endpoint.", [CALL]),
    ("Por último, probamos el endpoint con una fila de datos.", [CALL]),
    ("Obtener una predicción del endpoint con boto3.", [CALL]),
    ("Consulta el punto final con los datos de prueba.", [CALL]),
    ("Hacer la predicción con el modelo desplegado.", [CALL]),
    ("Este proyecto predice la calidad del vino.", []),
    ("Una predicción es un número entre 0 y 1.", []),
    ("La predicción se hace con datos de pacientes.", []),
    ("## Crear el endpoint", []),
    ("- [Subir el modelo](#subir)\n- [Crear el endpoint](#crear)\n- [Probar el endpoint](#probar)", []),
    ("El modelo fue entrenado con datos de la universidad.", []),
    ("Este documento explica cómo crear un endpoint.", []),
    ("Guardamos el modelo en un archivo con joblib.", []),
]

PORTUGUESE = [
    ("Primeiro criei um bucket no Cloud Storage e enviei o arquivo model.joblib.", [PUT]),
    ("No console do S3, clicar em Carregar e escolher model.tar.gz para o bucket.", [PUT]),
    ("Arraste o modelo para o bucket pelo navegador.", [PUT]),
    ("Importar o modelo no Registro de modelos da Vertex AI.", [PUT]),
    ("O modelo treinado é enviado para um bucket da mesma região.", [PUT]),
    ("Depois copiamos o arquivo do modelo para o Cloud Storage.", [PUT]),
    ("Fizemos o upload do modelo para o S3.", [PUT]),
    ("Na AI Platform, criar um modelo e depois uma versão.", [CREATE]),
    ("Clique em Criar endpoint e espere uns dez minutos.", [CREATE]),
    ("Escolher «Implantar no endpoint» com a menor máquina.", [CREATE]),
    ("Em seguida, implantamos o modelo em um endpoint.", [CREATE]),
    ("Criamos o ponto de extremidade no SageMaker com uma instância ml.t2.medium.", [CREATE]),
    ("Fizemos o deploy do modelo pelo console.", [CREATE]),
    ("Configurar o endpoint com uma máquina n1-standard-2.", [CREATE]),
    ("Abrir a aba «Testar», colar uma linha em formato JSON e clicar em «Prever».", [CALL]),
    ("Na aba Implantar e testar, colamos a instância e clicamos em Prever.", [CALL]),
    ("Para pedir uma previsão, enviamos uma requisição ao endpoint.", [CALL]),
    ("Por fim, testamos o endpoint com uma linha de dados.", [CALL]),
    ("Obter uma previsão do endpoint com boto3.", [CALL]),
    ("Consulte o ponto de extremidade com os dados de teste.", [CALL]),
    ("Fazer a previsão com o modelo implantado.", [CALL]),
    ("Este projeto prevê a qualidade do vinho.", []),
    ("Uma previsão é um número entre 0 e 1.", []),
    ("A previsão é feita com dados de pacientes.", []),
    ("## Criar o endpoint", []),
    ("- [Enviar o modelo](#enviar)\n- [Criar o endpoint](#criar)\n- [Testar o endpoint](#testar)", []),
    ("O modelo foi treinado com dados da universidade.", []),
    ("Este documento explica como criar um endpoint.", []),
    ("Salvamos o modelo em um arquivo com joblib.", []),
]

FRENCH = [
    ("Dans Cloud Storage, créer un bucket et y importer le fichier du modèle.", [PUT]),
    ("J'ai téléversé model.joblib dans le bucket.", [PUT]),
    ("Dans la console S3, cliquer sur Charger et choisir model.tar.gz pour le bucket.", [PUT]),
    ("Glissez le modèle dans le bucket avec le navigateur.", [PUT]),
    ("Importer le modèle dans le Registre des modèles de Vertex AI.", [PUT]),
    ("Le modèle entraîné est copié dans un bucket de la même région.", [PUT]),
    ("Ensuite nous déposons le fichier du modèle sur Cloud Storage.", [PUT]),
    ("Dans AI Platform, créer un modèle puis une version.", [CREATE]),
    ("Cliquez sur Créer un point de terminaison et attendez dix minutes.", [CREATE]),
    ("Choisir « Déployer sur un point de terminaison » avec la plus petite machine.", [CREATE]),
    ("Ensuite créer un point de terminaison et y déployer le modèle.", [CREATE]),
    ("Nous avons créé l'endpoint dans SageMaker avec une instance ml.t2.medium.", [CREATE]),
    ("Déployez le modèle depuis la console.", [CREATE]),
    ("On crée le endpoint avec une machine n1-standard-2.", [CREATE]),
    ("Ouvrir l'onglet « Tester », coller une ligne au format JSON et appuyer sur « Prédire ».", [CALL]),
    ("Dans l'onglet Déployer et tester, on colle l'instance et on clique sur Prédire.", [CALL]),
    ("Pour demander une prédiction, envoyez une requête au point de terminaison.", [CALL]),
    ("Enfin, nous testons le point de terminaison avec une ligne de données.", [CALL]),
    ("Obtenir une prédiction du endpoint avec boto3.", [CALL]),
    ("Interrogez l'endpoint avec les données de test.", [CALL]),
    ("Faire la prédiction avec le modèle déployé.", [CALL]),
    ("Ce projet prédit la qualité du vin.", []),
    ("Une prédiction est un nombre entre 0 et 1.", []),
    ("La prédiction se fait avec les données des patients.", []),
    ("## Créer le point de terminaison", []),
    ("- [Charger le modèle](#charger)\n- [Créer l'endpoint](#creer)\n- [Tester l'endpoint](#tester)", []),
    ("Le modèle a été entraîné avec les données de l'université.", []),
    ("Ce document explique comment créer un endpoint.", []),
    ("On sauvegarde le modèle dans un fichier avec joblib.", []),
]


def steps(text: str) -> list[str]:
    return sorted(
        {sign.step for sign in instructions.find(markdown.read(text), instructions.language_of(text))}
    )


@pytest.mark.parametrize(("text", "expected"), [*ENGLISH, *SPANISH, *PORTUGUESE, *FRENCH])
def test_the_steps_that_a_sentence_instructs(text: str, expected: list[str]) -> None:
    assert steps(text) == expected
