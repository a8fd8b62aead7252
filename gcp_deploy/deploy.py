"""Puts model.joblib behind an endpoint on Vertex AI, asks it for predictions, and takes everything down again.

    python deploy.py deploy                    bucket, upload, model, endpoint; about a quarter of an hour
    python deploy.py predict                   sends sample_request.json to the endpoint
    python deploy.py predict --url http://127.0.0.1:8080      ... or to one that runs on this machine
    python deploy.py delete                    all of it is gone, and costs nothing any more

Which endpoint, in which region and project, stands in endpoint.yaml; the model is called as the endpoint is. Each command
can be run twice: what is there already is used, what is gone already is left alone. With --dry-run the calls are shown
and none is made.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from showing import Shown
from troubles import Trouble, in_words, kinds, one_line

HERE = Path(__file__).resolve().parent
MODEL = HERE / "model.joblib"
# The newest prebuilt container for scikit-learn: Python 3.10, scikit-learn 1.6, NumPy 1.26. To be had until 2027-10-14.
CONTAINER = "us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-6:latest"
MACHINE = "e2-standard-2"
PROGRESS = 30.0  # seconds between two lines while a machine is started


Removals = list[tuple[str, Callable[[], Any]]]
"""What can be deleted: how it is called, and how it is done."""


class Place(NamedTuple):
    """Where the endpoint is, or is to be. ``own_bucket``: the bucket is made, and deleted, by this script."""

    endpoint: str
    region: str
    project: str
    bucket: str
    own_bucket: bool


class Cloud(NamedTuple):
    """Google's libraries, ready to be used: Vertex AI's, and a client of Cloud Storage."""

    aiplatform: Any
    storage: Any


def connect(place: Place) -> Cloud:
    """Google's libraries for this project and region.

    Raises:
        Trouble: they are not installed, or the region is none.
    """
    try:
        from google.cloud import aiplatform, storage  # slow, and not needed for --dry-run and --url
    except ImportError:
        raise Trouble(
            "Google's library is missing: run `pip install -r requirements-deploy.txt` first."
        ) from None
    logging.disable(logging.INFO)  # the library tells every step; so does this script
    try:
        aiplatform.init(project=place.project, location=place.region)
    except ValueError as problem:
        raise Trouble(f"Vertex AI is not to be had in {place.region}: {one_line(problem)}") from None
    return Cloud(aiplatform, storage.Client(project=place.project))


def deploy(place: Place, cloud: Cloud) -> None:
    """Makes what is not there yet: the bucket, the file in it, the model, the endpoint, the machine that serves it.

    If a step fails, what this run had made before is taken away again.
    """
    # Other bytes, or another container: another model, in a folder of its own.
    version = hashlib.sha256(CONTAINER.encode() + MODEL.read_bytes()).hexdigest()[:20]
    folder = f"{place.endpoint}/{version}"
    made: Removals = []
    try:
        bucket = cloud.storage.bucket(place.bucket)
        if not is_there(bucket):
            if not place.own_bucket:
                raise Trouble(f"There is no bucket {place.bucket}: make it first, or leave out --bucket.")
            print(f"Making the bucket gs://{place.bucket}")
            bucket.create(location=place.region)
            made.append(("the bucket", bucket.delete))
        file = bucket.blob(f"{folder}/model.joblib")
        if not file.exists():
            print(f"Uploading the model to gs://{place.bucket}/{folder}/model.joblib")
            file.upload_from_filename(str(MODEL))
            made.append(("the uploaded file", file.delete))

        model = next((m for m in models(place, cloud) if m.labels.get("version") == version), None)
        if model is None:
            print(f"Telling Vertex AI to serve it with {CONTAINER}")
            model = cloud.aiplatform.Model.upload(
                display_name=place.endpoint,
                artifact_uri=f"gs://{place.bucket}/{folder}",
                serving_container_image_uri=CONTAINER,
                labels={"version": version},
            )
            made.append(("the model", model.delete))
        endpoint = next(iter(endpoints(place, cloud)), None)
        if endpoint is None:
            print(f"Making the endpoint {place.endpoint}")
            endpoint = cloud.aiplatform.Endpoint.create(display_name=place.endpoint)
            made.append(("the endpoint", lambda: endpoint.delete(force=True)))

        former = list(endpoint.list_models())
        if any(same(served.model, model.resource_name) for served in former):
            print("The endpoint serves this very model already.")
        else:
            print(f"Starting a machine ({MACHINE}) that serves it: 10 to 20 minutes, as a rule")
            with_progress(lambda: endpoint.deploy(model=model, machine_type=MACHINE, traffic_percentage=100))
        for served in former:
            if not same(served.model, model.resource_name):
                print("Taking the former model off the endpoint")
                endpoint.undeploy(deployed_model_id=served.id)
    except Exception as problem:
        left = take_away(made[::-1])
        after = "What this run had made is taken away again."
        if left:
            after = f"Still there: {'; '.join(left)}. Run `python deploy.py delete`."
        raise Trouble(f"{in_words(problem)} {after}") from problem


def predict(place: Place, cloud: Cloud, instances: list[Any]) -> list[Any]:
    """What the endpoint answers to ``instances``, one answer a row."""
    endpoint = next(iter(endpoints(place, cloud)), None)
    if endpoint is None:
        raise Trouble(
            f"There is no endpoint {place.endpoint} in {place.region}: run `python deploy.py deploy` first."
        )
    return list(endpoint.predict(instances=instances).predictions)


def predict_at(url: str, instances: list[Any]) -> list[Any]:
    """What a server at ``url`` answers that speaks as Vertex AI's containers do: no cloud, no account."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Trouble(f"--url wants an address such as http://127.0.0.1:8080, not {url}.")
    address = urllib.parse.urlunsplit(parts._replace(path=parts.path.rstrip("/") or "/predict"))
    body = json.dumps({"instances": instances}).encode()
    # The scheme is asked for just above.
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            return list(json.load(response)["predictions"])
    except urllib.error.HTTPError as problem:
        told = one_line(problem.read(2000).decode("utf-8", "replace"))
        raise Trouble(f"{address} answered with status {problem.code}: {told}") from None
    except OSError as problem:
        raise Trouble(f"Nothing answers at {address} ({one_line(problem)}): is the server up?") from None
    except (ValueError, KeyError, TypeError):
        raise Trouble(f"What {address} answered is no prediction: is it the right address?") from None


def delete(place: Place, cloud: Cloud) -> None:
    """Takes down all that ``deploy`` makes, what costs most first; what fails does not keep the rest from going."""
    left = []
    nothing = True
    for what, find in (("the endpoint", _endpoints), ("the model", _models), ("the bucket", _stored)):
        try:
            there = find(place, cloud)
        except Exception as problem:
            left.append(f"{what} ({in_words(problem).rstrip('.')})")
            continue
        nothing = nothing and not there
        left += take_away(there)
    if left:
        raise Trouble(
            f"Not deleted: {'; '.join(left)}. Run this again, or look at the console of Google Cloud."
        )
    if nothing:
        print("Nothing is there.")


def _endpoints(place: Place, cloud: Cloud) -> Removals:
    # With force, the models are taken off it first: these are what costs.
    return [("the endpoint", partial(endpoint.delete, force=True)) for endpoint in endpoints(place, cloud)]


def _models(place: Place, cloud: Cloud) -> Removals:
    return [("the model", model.delete) for model in models(place, cloud)]


def _stored(place: Place, cloud: Cloud) -> Removals:
    bucket = cloud.storage.lookup_bucket(place.bucket)
    if bucket is None:
        return []
    files = [("the uploaded file", file.delete) for file in bucket.list_blobs(prefix=f"{place.endpoint}/")]
    return [*files, ("the bucket", bucket.delete)] if place.own_bucket else files


def models(place: Place, cloud: Cloud) -> list[Any]:
    """The models that are called as the endpoint is."""
    return list(cloud.aiplatform.Model.list(filter=f'display_name="{place.endpoint}"'))


def endpoints(place: Place, cloud: Cloud) -> list[Any]:
    """The endpoints of that name: one, or none."""
    return list(cloud.aiplatform.Endpoint.list(filter=f'display_name="{place.endpoint}"'))


def is_there(bucket: Any) -> bool:
    """Whether a bucket exists. Their names are all the world's: it may be somebody else's."""
    try:
        return bool(bucket.exists())
    except Exception as problem:
        if "Forbidden" not in kinds(problem):
            raise
        raise Trouble(
            f"The bucket {bucket.name} is not yours to use: choose another name with --bucket, or ask its owner."
        ) from problem


def same(one: str, other: str) -> bool:
    """Whether two resource names are one model's: its id counts, not its version or how the project is written."""
    return one.rpartition("/")[2].partition("@")[0] == other.rpartition("/")[2].partition("@")[0]


def take_away(things: Removals) -> list[str]:
    """Deletes things in this order; tells what could not be deleted, and why."""
    left = []
    for what, remove in things:
        try:
            print(f"Deleting {what}")
            remove()
        except Exception as problem:
            left.append(f"{what} ({in_words(problem).rstrip('.')})")
    return left


def with_progress(work: Callable[[], Any]) -> None:
    """Does something that takes long, and says every half a minute that it is still at it."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as problem:
            failed.append(problem)

    begun = time.monotonic()
    thread = threading.Thread(target=run, daemon=True)  # a daemon, so that Ctrl-C need not wait for it
    thread.start()
    while thread.is_alive():
        thread.join(PROGRESS)
        if thread.is_alive():
            minutes, seconds = divmod(int(time.monotonic() - begun), 60)
            print(f"  still starting, after {minutes} min {seconds:02} s", flush=True)
    if failed:
        raise failed[0]


def place_of(options: argparse.Namespace) -> Place:
    """What endpoint.yaml says, and above it the command line."""
    said: dict[str, str] = {}
    for line in (HERE / "endpoint.yaml").read_text(encoding="utf-8").splitlines():
        key, colon, value = line.partition("#")[0].partition(":")
        if colon:
            said[key.strip()] = value.strip().strip("\"'")
    for key in ("endpoint", "region", "project"):
        said[key] = getattr(options, key) or said.get(key, "")
        if not said[key]:
            raise Trouble(f"Which {key}? Write it into endpoint.yaml, or give --{key}.")
    if said["project"] == "your-project-id":
        raise Trouble("Write your own project's id into endpoint.yaml (or give --project).")
    bucket = options.bucket or f"{said['project']}-{said['endpoint']}"
    return Place(said["endpoint"], said["region"], said["project"], bucket, options.bucket is None)


def instances_of(file: Path) -> list[Any]:
    """The rows of a request: a JSON file that holds ``{"instances": [[...], ...]}``."""
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))["instances"]
    except OSError as problem:
        raise Trouble(f"{file} cannot be read: {problem.strerror}.") from None
    except (ValueError, KeyError, TypeError):
        raise Trouble(
            f'{file} is no request: it should hold {{"instances": [[39.1, 18.7, 181, 3750]]}}.'
        ) from None
    if not isinstance(rows, list) or not rows:
        raise Trouble(f"{file} has no rows to send.")
    return rows


def run(options: argparse.Namespace) -> None:
    """One command."""
    if options.command == "predict":
        rows = instances_of(options.file)
        if options.url:
            show(rows, predict_at(options.url, rows))
            return
    place = place_of(options)
    if options.dry_run:
        there = options.command != "deploy"
        cloud = Cloud(Shown("aiplatform", there), Shown("storage", there))
        print("These calls would be made:")
    else:
        cloud = connect(place)
    if options.command == "deploy":
        deploy(place, cloud)
        print(
            "Nothing was done."
            if options.dry_run
            else "In service. It costs by the hour until `python deploy.py delete`."
        )
    elif options.command == "delete":
        delete(place, cloud)
        print("Nothing was done." if options.dry_run else "All is gone.")
    else:
        answers = predict(place, cloud, rows)
        if not options.dry_run:
            show(rows, answers)


def show(rows: list[Any], answers: list[Any]) -> None:
    """Each row, and what it is predicted to be."""
    if len(rows) != len(answers):
        raise Trouble(f"{len(rows)} rows were sent, and {len(answers)} answers came back.")
    for row, answer in zip(rows, answers, strict=True):
        print(f"{json.dumps(row):<28} -> {answer}")


def main(arguments: list[str] | None = None) -> int:
    """The command line; 0 if all went well."""
    parser = argparse.ArgumentParser(description="Deploy the penguin model to Vertex AI, ask it, delete it.")
    parser.add_argument("command", choices=("deploy", "predict", "delete"))
    parser.add_argument("--project", help="the project's id (default: endpoint.yaml)")
    parser.add_argument("--region", help="such as us-central1 (default: endpoint.yaml)")
    parser.add_argument("--endpoint", help="the endpoint's name (default: endpoint.yaml)")
    parser.add_argument("--bucket", help="a bucket of yours (default: one of its own, PROJECT-ENDPOINT)")
    parser.add_argument("--file", type=Path, default=HERE / "sample_request.json", help="the request to send")
    parser.add_argument("--url", help="predict: ask a server on this machine instead")
    parser.add_argument("--dry-run", action="store_true", help="show the calls, make none")
    try:
        run(parser.parse_args(arguments))
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "Interrupted. A machine may still be starting: run `python deploy.py delete` in a few minutes.",
            file=sys.stderr,
        )
        return 130
    except Exception as problem:
        print(in_words(problem), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
