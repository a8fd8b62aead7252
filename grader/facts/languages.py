"""Words by which deployment instructions are known in prose, language by language; and by which a language is.

Patterns of stems, so that the imperative, the infinitive, the first person and the past all match. English lists its
forms one by one, because its third person ("the script uploads") describes and does not instruct. What cloud consoles
print stays English in every language, and is matched in each.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Lexicon(NamedTuple):
    """Patterns of one language, each an alternation without groups. ``spaced``: words stand apart from each other.

    ``put``, ``create``, ``call`` are the verbs of the three steps; ``model``, ``endpoint`` what they are done to;
    ``request`` what is sent; ``run`` to run a script; ``describes`` what makes a sentence tell about instructions
    instead of giving them; ``deployed`` forms of deploying that instruct only where an endpoint is named.
    """

    put: str
    create: str
    deploy: str
    call: str
    send: str
    model: str
    endpoint: str
    request: str
    run: str
    describes: str = r"(?!)"
    deployed: str = r"(?!)"
    spaced: bool = True


PLACE = (
    r"buckets?|s3|gcs|cloud[ -]storage|google storage|storage|model[ -]registry|artifact registry|ecr|gs://|almacenamiento"
    r"|registros? de modelos?|registre de(?:s)? modèles|modellregist\w+|registro dei modelli"
    r"|armazenamento|stockage|speicher|archiviazione|버킷|스토리지|存储桶|存储|バケット|ストレージ|桶"
)
"""Where a model is put, in all languages."""

# "A logistic regression model" is what was fitted; what a console creates has no such name before it.
RESOURCES = r"(?<!regression )(?<!learning )(?<!classification )(?<!forest )(?<!-learn )(?<!sklearn )models?|modelos?|modèles?|modell[oie]?s?|versions?|versi(?:ón|ones)|vers(?:ão|ões)|version[ei]|모델|버전|模型|版本|モデル|バージョン"
"""What is created in a console besides an endpoint, in all languages."""

FILES = r"model[\w.-]{0,30}\.(?:tar\.gz|tgz|joblib|pkl|bst)|[\w-]{1,60}\.(?:tar\.gz|tgz|joblib|pkl|pickle|bst|h5|onnx)"
"""Names of model files, in all languages."""

DATA = r"\b(?:dataset|data|datos|dados|données|daten|dati|csv|training set|train(?:ing)? data|images?)\b|데이터|数据|データ"
"""What else is put into buckets."""

PRESS = (
    r"click(?:ed|ing)?|press(?:ed|ing)?|hit|puls(?:ar|amos|a|e|é)|presion(?:ar|amos|a|e|é)|clics?|cliquer?|cliquez|cliqu(?:e|é|ei|ons)|clic(?:ar|amos|quei)"
    r"|apert(?:ar|amos|e|ei)|appu(?:yer|yez|yons|ie|yé)|klick\w*|drück\w*|premi|premere|clicca\w*"
)
"""To press a button, in the languages that words stand apart in."""

PASTE = (
    r"past(?:e|ed|ing)|enter(?:ed)?|typ(?:e|ed)|peg(?:ar|amos|a|ué|ue)|copi(?:ar|amos|a|ez|er)|introduc(?:ir|imos|e)|escrib(?:ir|imos|e)|col(?:ar|amos|e|ei|ou)"
    r"|inser(?:ir|imos|er)|coll(?:er|ez|ons|e|é)|saisi(?:r|ssez|t)|entr(?:er|ez)|einfüg\w*|eingeb\w*|incoll\w*|inseri\w*"
)
"""To fill in what is to be predicted, in the same languages."""

ROW = (
    r"instances?|rows?|requests?|json|payload|examples?|inputs?|values?|instancias?|filas?|datos|ejemplos?|valores|instâncias?|linhas?|dados|exemplos?"
    r"|lignes?|données|exemples?|valeurs|requêtes?|peticiones|petición|requisição|zeilen?|werte|righe|riga|valori"
)
"""What is filled in there."""

PREDICT = r"predict|predecir|predicción|prever|previsão|prédire|prédiction|vorhersagen|prevedi|predici"
"""Buttons of a console that ask a deployed model, in the same languages."""

TEST = r"test|probar|testar|tester|testen|prova|run|send|enviar|envoyer"
"""Buttons that do so where something was filled in before."""

LEXICONS: Mapping[str, Lexicon] = MappingProxyType(
    {
        "en": Lexicon(
            put=r"upload(?:ed|ing)?|cop(?:y|ied|ying)|put|push(?:ed|ing)?|sav(?:e|ed|ing)|stor(?:e|ed|ing)|mov(?:e|ed|ing)"
            r"|transfer(?:red|ring)?|plac(?:e|ed|ing)|sen[dt]|drag(?:ged)?|drop(?:ped)?|export(?:ed|ing)?|add(?:ed)?",
            create=r"creat(?:e|ed|ing)|set(?:ting)? up|launch(?:ed|ing)?|provision(?:ed|ing)?|spin(?:ning)? up|spun up"
            r"|configur(?:e|ed|ing)|add(?:ed|ing)?|stand up|bring up",
            deploy=r"deploy|host|publish",
            deployed=r"deploying|(?<!the )(?<!your )(?<!my )(?<!our )(?<!a )deployed",
            call=r"invok(?:e|ed|ing)|call(?:ed|ing)?|quer(?:y|ied|ying)|test(?:ed|ing)?|hit|ping(?:ed)?|consum(?:e|ed)|us(?:e|ing)(?=[^.]{0,80}(?:predict|infer|request))"
            r"|predict(?:ed|ing)?|try|tried|ask(?:ed)?|exercise|send|sent|post(?:ed)?"
            r"|(?:get|got|getting|make|made|making|request|requested|obtain|obtained|receive|received|run|ran|perform|performed)"
            r"(?: \w{1,12}){0,3} (?:predictions?|inferences?)",
            send=r"send|sent|sending|post|posted|submit|submitted|make|made|issue|issued|paste|pasted",
            model=r"models?|artifacts?|archives?|tarball|pickle|weights|estimator|pipeline|it|them",
            endpoint=r"endpoints?|model versions?|new version|deployed model|online predictions?|predictor|deployment|inference service",
            request=r"requests?|payload|json|instances?|test input",
            run=r"run|runs|running|ran|execute|executing|open|launch|start|use|follow|call|step through|go through",
            describes=r"how to|(?:code|scripts?|files?|instructions?|steps?|guide|tutorial|commands?|needed|required|notebook) (?:to|for|on|of|that|which)"
            r"|used (?:to|for)|purpose|goal|aim|contains?|includes?|demonstrates?|shows?|describes?|explains?"
            r"|this (?:project|repo\w*|lab|folder|directory|assignment|readme|document|section|file|guide)|about|example of"
            # What a vendor says of its service.
            r"|(?:is|are) an? [\w -]{0,20}managed (?:service|platform)|(?:enables?|allows?|lets?|helps?|empowers?|easy for|easier for|for) "
            r"(?:developers|engineers|data scientists|teams|users|organi[sz]ations|businesses|companies|customers)",
        ),
        "es": Lexicon(
            put=r"sub(?:ir\w*|imos|í|e|a|an|ió|ido|ida|iendo|irá)|carg(?:ar\w*|amos|ue|ué|a|ado|ó|ando)|copi(?:ar\w*|amos|e|é|a|ado|ó)"
            r"|guard(?:ar\w*|amos|e|é|a|ado|ó)|almacen(?:ar\w*|amos|e|é|a|ado)|mov(?:er\w*|emos|imos)|transferi\w*"
            r"|arrastr(?:ar\w*|amos|e|é|a|ó|ado)|import(?:ar\w*|amos|e|é|a|ó|ado)|coloc(?:ar\w*|amos|a|ó)|pon(?:er\w*|emos|ga)",
            create=r"cre(?:ar\w*|amos|e|é|a|ó|ado|ada|ando)|lanz(?:ar\w*|amos|é|a|ó)|levant(?:ar\w*|amos|é)|configur(?:ar\w*|amos|e|é|a|ado)"
            r"|gener(?:ar\w*|amos|e|é|a)",
            deploy=r"despl(?:egar\w*|iega\w*|iegue\w*|egamos|egué|egó)|(?<!modelo )desplegad[oa]|implement(?:ar\w*|amos|é|a)|(?<!modelo )implementado|public(?:ar\w*|amos)",
            call=r"invo(?:car\w*|camos|qué|que|ca|có|cación|cando)|llam(?:ar\w*|amos|e|é|a|ó|ada|ando)|prob(?:ar\w*|amos|é)|prueb\w+"
            r"|consult(?:ar\w*|amos|e|é|a|ó)|envi(?:ar\w*|amos|é|ó)|envía\w*|us(?:ar\w*|amos|e|é)|realiz(?:ar\w*|amos|a|e|é|ó)"
            r"|obten(?:er\w*|emos|ga)|(?:hac(?:er|emos)|haz)(?! clic)|predecir|solicit(?:ar|amos|a)",
            send=r"envi(?:ar\w*|amos|é|ó)|envía\w*|mand(?:ar\w*|amos)|hac(?:er|emos)|haz|realiz(?:ar\w*|amos|a|e)",
            model=r"modelos?|artefactos?|archivos?|ficheros?|pesos",
            endpoint=r"endpoints?|puntos? de (?:conexión|enlace|acceso|inferencia|servicio)|puntos? final(?:es)?|(?<!extremo a )extremos?(?! a extremo)|versi(?:ón|ones) del modelo|modelo desplegado|predictor|despliegue",
            request=r"petici(?:ón|ones)|solicitud(?:es)?|requests?|payload|json",
            run=r"ejecut\w+|corr(?:er|emos|a|e)|abr(?:ir|e|a|imos)|lanz\w+|us(?:ar|a|e)|utili\w+|inici\w+",
            describes=r"cómo|código (?:para|que)|scripts? (?:para|que)|objetivo|contiene|incluye|muestra|describe|explica|este (?:proyecto|repositorio|documento)",
        ),
        "pt": Lexicon(
            put=r"envi(?:ar\w*|amos|e|ei|ou|ado)|carreg(?:ar\w*|amos|ue|uei|ou|ado)|sub(?:ir\w*|imos|a|i|iu)|copi(?:ar\w*|amos|e|ei|ou)"
            r"|salv(?:ar\w*|amos|e|ei|ou)|armazen(?:ar\w*|amos|e|ei)|(?:fa(?:zer|ça|zemos)|fiz(?:emos)?) (?:o )?upload|coloqu(?:e|ei)|coloc(?:ar\w*|amos|ou)"
            r"|arrast(?:ar\w*|amos|e|ei|ou|ado)|import(?:ar\w*|amos|e|ei|ou|ado)|mov(?:er|emos|a|i)|transfer(?:ir|imos|i)",
            create=r"cri(?:ar\w*|amos|a(?=-se)|e|ei|ou|ado|ada|ando)|lanç(?:ar\w*|amos)|configur(?:ar\w*|amos|e|ei|ou)|sub(?:ir|imos)",
            deploy=r"implant(?:ar\w*|amos|e|ei|ou)|(?<!modelo )implantad[oa]|implement(?:ar\w*|amos|e|ei|ou)|public(?:ar\w*|amos)|(?:fa(?:zer|ça|zemos)|fiz(?:emos)?) (?:o )?deploy|hosped\w+",
            call=r"invo(?:car\w*|camos|que|quei|cou)|cham(?:ar\w*|amos|e|ei|ou)|test(?:ar\w*|amos|e|ei|ou)|consult(?:ar\w*|amos|e|ei)|envi(?:ar\w*|amos|e|ei|ou)"
            r"|us(?:ar\w*|amos|e|ei)|realiz(?:ar\w*|amos|e|ei|ou)|obt(?:er|emos|enha|ive|ivemos)|fa(?:zer|ça|zemos)(?! (?:o )?(?:deploy|upload))|solicit\w+",
            send=r"envi(?:ar\w*|amos|e|ei|ou)|mand(?:ar\w*|amos|e)|fa(?:zer|ça|zemos)|realiz\w+",
            model=r"modelos?|artefatos?|arquivos?|pesos",
            endpoint=r"endpoints?|pontos? de extremidade|vers(?:ão|ões) do modelo|modelo implantado|preditor|implantação",
            request=r"requisiç(?:ão|ões)|solicitaç(?:ão|ões)|pedidos?|requests?|payload|json",
            run=r"execut\w+|rod(?:ar|e|amos)|abr(?:ir|a|imos)|inici\w+|us(?:ar|e)",
            describes=r"como (?:fazer|implantar|usar)|código (?:para|que)|objetivo|contém|inclui|mostra|descreve|explica|este (?:projeto|repositório|documento)",
        ),
        "fr": Lexicon(
            put=r"télévers\w+|téléchargez|charg(?:er|ez|eons|é|ée)|copi(?:er|ez|ons|é)|envo(?:yer|yez|yons|yé)|dépos(?:er|ez|ons|é)|plac(?:er|ez|ons|é)"
            r"|stock(?:er|ez|ons|é)|sauvegard(?:er|ez|é)|met(?:tre|tez|tons)|mis|upload(?:er|ez|é)|import(?:er|ez|ons|é|ée)|gliss(?:er|ez|ons|é)|transf(?:érer|érez|éré)|ajout(?:er|ez|ons|é)"
            r"|(?<=on )(?:téléverse|charge|copie|envoie|dépose|place|met|importe|glisse)",
            create=r"cré(?:er|ez|ons|é|ée|ation)|lanc(?:er|ez|ons|é)|configur(?:er|ez|ons|é)|démarr(?:er|ez)|(?<=on )(?:crée|lance|configure)",
            deploy=r"déplo(?:yer|yez|yons)|(?<!modèle )déployée?|(?<=on )déploie|héberg(?:er|ez|é)|publi(?:er|ez|é)",
            call=r"invoqu(?:er|ez|ons|é)|appel(?:er|ez|ons|é|lez)|interrog(?:er|ez|eons|é)|test(?:er|ez|ons|é)|envo(?:yer|yez|yons|yé)|utilis(?:er|ez|ons|é)"
            r"|obten(?:ir|ez|u)|fai(?:re|tes|sons)|demand(?:er|ez)|essa(?:yer|yez)|(?<=on )(?:invoque|appelle|interroge|teste|envoie|utilise|obtient|demande|essaie)",
            send=r"envo(?:yer|yez|yons|yé)|fai(?:re|tes)|effectu(?:er|ez)|lanc(?:er|ez)",
            model=r"modèles?|artefacts?|archives?|fichiers?|poids",
            endpoint=r"endpoints?|points? (?:de terminaison|d'accès|d’accès|d'inférence)|version du modèle|modèle déployé|prédicteur|déploiement",
            request=r"requêtes?|demandes?|payload|json",
            run=r"exécut\w+|lanc(?:er|ez|ons)|ouvr(?:ir|ez|ons)|utilis(?:er|ez)|démarr(?:er|ez)",
            describes=r"comment|code (?:pour|qui)|objectif|but|contient|comprend|montre|décrit|explique|ce (?:projet|dépôt|document)",
        ),
        "de": Lexicon(
            put=r"\w*hochlad\w*|hochgeladen|hochzuladen|lad(?:e|en)|lädt|geladen|kopier\w*|übertrag\w*|speicher\w*|gespeichert|verschieb\w*|leg(?:e|en)|ableg\w*|schieb\w*",
            create=r"erstell\w*|anleg\w*|angelegt|anzulegen|erzeug\w*|start(?:e|en|et)|gestartet|einricht\w*|eingerichtet|konfigurier\w*",
            deploy=r"bereitstell\w*|bereitgestellt|bereitzustellen|stell(?:e|en)|deploy(?:e|en|t|te|ed)|veröffentlich\w*|ausroll\w*",
            call=r"aufruf\w*|aufgerufen|aufzurufen|ruf(?:e|en)|rief|test(?:e|en|et)|getestet|abfrag\w*|abgefragt|anfrag\w*|send(?:e|en|et)|gesendet"
            r"|schick(?:e|en|t)|nutz(?:e|en)|verwend(?:e|en|et)|vorhersag\w*|prüf(?:e|en)",
            send=r"send(?:e|en|et)|gesendet|schick(?:e|en|t)|geschickt|stell(?:e|en)",
            model=r"modell\w*|artefakt\w*|archiv\w*|datei\w*|gewichte",
            endpoint=r"endpunkt\w*|endpoint\w*|modellversion\w*|bereitgestellte\w* modell\w*|prediktor",
            request=r"anfragen?|requests?|payload|json",
            run=r"ausführ\w*|ausgeführt|führ(?:e|en)|start(?:e|en|et)|öffn\w*|verwend\w*|nutz(?:e|en)",
            describes=r"wie man|code (?:zum|für|der)|ziel|enthält|zeigt|beschreibt|erklärt|dieses? (?:projekt|repository|dokument)",
        ),
        "it": Lexicon(
            put=r"caric(?:are\w*|hiamo|a|ate|ato|ata|ai)|copi(?:are|amo|a|ate|ato)|salv(?:are|iamo|a|ate|ato)|invi(?:are|amo|a|ate|ato)|spost(?:are|a|ate|ato)|mett(?:ere|i|ete|iamo)|archivi(?:are|a)",
            create=r"cre(?:are\w*|iamo|a|ate|ato|ata|ai)|avvi(?:are|amo|a|ate|ato)|configur(?:are|iamo|a|ate|ato)|lanci(?:are|amo|a|ate)",
            deploy=r"distribui\w*|deploy(?:are|iamo|ato)|pubblic(?:are|hiamo|a|ate|ato)|rilasci(?:are|a|ato)|mett(?:ere|i) in produzione",
            call=r"invoc(?:are|hiamo|a|ate|ato|hi)|chiam(?:are|iamo|a|ate|ato)|richiam(?:are|a)|test(?:are|iamo|a|ate|ato)|interrog(?:are|a|ate|ato)|invi(?:are|amo|a|ate|ato)"
            r"|usa(?:re|te)?|prov(?:are|a|ate|ato)|otten(?:ere|iamo)|effettu(?:are|a|ate)|fare|richied\w+",
            send=r"invi(?:are|amo|a|ate|ato)|mand(?:are|a|ate)|effettu(?:are|a|ate)|fare",
            model=r"modell[oi]|artefatt[oi]|archivio|file|pesi",
            endpoint=r"endpoint|punt[oi] di accesso|versione del modello|modello (?:distribuito|deployato)|predittore",
            request=r"richiest[ae]|request|payload|json",
            run=r"esegui\w*|eseguire|lanci(?:are|a|ate)|avvi(?:are|a|ate)|apr(?:ire|i|ite)|usa(?:re|te)?",
            describes=r"come (?:si|fare|distribuire)|codice (?:per|che)|obiettivo|contiene|include|mostra|descrive|spiega|questo (?:progetto|repository|documento)",
        ),
        "ko": Lexicon(
            put=r"업로드|올리|올립|올렸|올린|올려|복사|저장|옮기|옮긴|전송",
            create=r"생성|만들|만든|만듭|구성|설정|시작",
            deploy=r"배포",
            call=r"호출|테스트|요청|예측|추론|보내|보냅|질의|사용|전송",
            send=r"보내|보냅|전송|요청",
            model=r"모델|아티팩트|파일|압축",
            endpoint=r"엔드포인트|앤드포인트|배포된 모델|모델 버전|온라인 예측|버전|endpoint",
            request=r"요청|페이로드|json",
            run=r"실행|열고|열어|돌리|돌려|수행",
            spaced=False,
        ),
        "zh": Lexicon(
            put=r"上传|上傳|拷贝|复制|複製|保存|存到|推送|放到|放入|导入",
            create=r"创建|建立|新建|創建|启动|配置|生成",
            deploy=r"部署|发布|發布",
            call=r"调用|呼叫|調用|测试|測試|请求|請求|发送|發送|预测|預測|推理|查询",
            send=r"发送|發送|提交",
            model=r"模型|文件|压缩包|檔案",
            endpoint=r"端点|终端节点|端點|終端節點|推理服务|在线预测|模型版本|已部署的模型|endpoint",
            request=r"请求|請求|数据|payload|json",
            run=r"运行|執行|执行|打开|打開|启动",
            spaced=False,
        ),
        "ja": Lexicon(
            put=r"アップロード|コピー|保存|配置|転送|格納|置き|置く",
            create=r"作成|作り|作る|構築|生成|起動|設定",
            deploy=r"デプロイ|公開|展開",
            call=r"呼び出|呼出|テスト|リクエスト|送信|送り|送る|予測|推論|叩|実行",
            send=r"送信|送り|送る|投げ",
            model=r"モデル|ファイル|アーカイブ|成果物",
            endpoint=r"エンドポイント|デプロイ(?:した|された|済みの?)モデル|オンライン予測|モデルバージョン|endpoint",
            request=r"リクエスト|ペイロード|json|要求",
            run=r"実行|開き|開く|開いて|起動|走らせ",
            spaced=False,
        ),
    }
)

STOPWORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        language: frozenset(words.split())
        for language, words in {
            "en": "the and to of is in for with you your this that it are be from as on we an can i",
            "es": "el la los las de del que y en para con una un por se es al lo su como",
            "pt": "o os as de do da que e em para com uma um não no na por se ao é dos",
            "fr": "le la les de des et est pour avec une un dans sur du au vous nous en pas ce",
            "de": "der die das und ist mit für den ein eine zu im auf von dem wird nicht sie wir",
            "it": "il lo la gli di che per con una un del della è nel i le da si al dei",
            "nl": "de het een en van voor met niet op is te dat zijn je wordt naar deze",
            "pl": "i w na z do się jest nie że oraz to po dla przez jak od",
            "tr": "ve bir bu için ile da de olarak olan daha çok gibi kadar",
            "vi": "và của là cho các một được trong với có không này để",
            "id": "dan yang untuk dengan di ini dari pada ke adalah dalam itu akan",
            "sv": "och att det som en är för med på av till den inte ett kan",
            "da": "og at det som en er for med på af til den ikke et kan",
            "ro": "și în la cu pentru este un o de din pe care nu sau",
            "cs": "a se na je v pro s do to že jako ve který nebo",
            "fi": "ja on ei se että tämä ovat mutta kun voi myös sekä",
            "hu": "a az és hogy nem egy is van meg ez csak már",
            "ca": "el la els les de i en per amb una un que és del al",
        }.items()
    }
)
"""Small words that each language written in Latin letters is known by."""

SCRIPTS: tuple[tuple[str, str], ...] = (
    ("ko", "\uac00-\ud7a3\u1100-\u11ff"),
    ("ja", "\u3040-\u30ff"),
    ("zh", "\u4e00-\u9fff\u3400-\u4dbf"),
    ("ru", "\u0400-\u04ff"),
    ("ar", "\u0600-\u06ff"),
    ("he", "\u0590-\u05ff"),
    ("hi", "\u0900-\u097f"),
    ("bn", "\u0980-\u09ff"),
    ("ta", "\u0b80-\u0bff"),
    ("th", "\u0e00-\u0e7f"),
    ("el", "\u0370-\u03ff"),
    ("ka", "\u10a0-\u10ff"),
    ("hy", "\u0530-\u058f"),
)
"""Languages known by their letters. Of one with several languages the most written; none of those is understood here."""

LAB_HEADINGS = frozenset({"deploy your own model", "complete aws and gcp machine learning tutorials"})
"""Headings of the assignment, lower case, without their numbers."""

LAB_MARKS: tuple[str, ...] = (
    "razzle-dazzle",
    "{name_of_platform}_deploy",
    "'tis good that you see",
    "somehow showing you able to",
    "you will complete tutorials for machine learning on both",
    "it is possible to deploy an already-fit sklearn model",
    "constructor `entry_point` argument should point to",
    "constructor entry_point argument should point to",
    "you would un-pickle it here instead",
    "should be present in the `model_data` .tar.gz",
    "should be present in the model_data .tar.gz",
    "sure let's muddle the terms",
    "up-front gcp tutorials are focused on keras",
    "is no longer a pandas function",
    "specify the latest runtime instead of 1.4",
    "just leave the python runtime blank",
    "to see the effect of running your gcloud",
    "do everything from the console instead",
    "already have the gcp sdk",
    "deploy a model using your data to one of these platforms",
    "choose one of the providers, and deploy your project dataset",
    "additional files you needed to deploy to these platforms",
    "create a separate folder in your repository called",
)
"""Turns of phrase of the assignment, lower case: a README that has several of them is the assignment, pasted."""
