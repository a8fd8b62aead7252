"""Puts the penguin model on Amazon SageMaker, asks it, and takes it down again.

    python deploy.py deploy             role, bucket, upload, model, endpoint; waits until it is in service
    python deploy.py deploy --dry-run   shows the calls, and makes none
    python deploy.py predict            sends sample_request.json to the endpoint
    python deploy.py predict --url http://127.0.0.1:8080    asks a server on this machine instead
    python deploy.py delete             takes down all that `deploy` made

`deploy` can be run again at any time: what is there stays, what differs is replaced. If it fails, it takes down what it had
made in that run. It needs boto3 and credentials of an AWS account; `predict --url` needs neither.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from asking import predict
from removal import Removal
from steps import Deployment
from troubles import sentence

HERE = Path(__file__).resolve().parent
NAME = "penguins"
REGION = "us-east-1"
INSTANCE = "ml.m5.large"


def name(text: str) -> str:
    """A name from which SageMaker's, S3's and IAM's names can all be made."""
    if not re.fullmatch(r"[a-z0-9](?:-?[a-z0-9]){0,29}", text):
        raise argparse.ArgumentTypeError("use up to 30 lower-case letters, digits and single hyphens")
    return text


def seconds(text: str) -> float:
    """A number of seconds, 0 or more."""
    value = float(text)
    if not 0 <= value < 1e6:
        raise argparse.ArgumentTypeError("use a number of seconds, 0 or more")
    return value


def read_options(arguments: list[str] | None) -> argparse.Namespace:
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument(
        "--name", type=name, default=NAME, help=f"what the endpoint is called (default: {NAME})"
    )
    where.add_argument("--region", default=REGION, help=f"where (default: {REGION})")
    making = argparse.ArgumentParser(add_help=False)
    making.add_argument("--bucket", help="a bucket to use instead of a new one")
    making.add_argument("--dry-run", action="store_true", help="show the calls, make none")
    making.add_argument(
        "--patience", type=seconds, default=1800, help="seconds to wait for SageMaker (default: 1800)"
    )
    making.add_argument("--every", type=seconds, default=10, help="seconds between looks (default: 10)")

    parser = argparse.ArgumentParser(description="The penguin model on Amazon SageMaker.")
    commands = parser.add_subparsers(dest="command", required=True)
    deploy = commands.add_parser("deploy", parents=[where, making], help="put the model into service")
    deploy.add_argument("--role", help="the ARN of a role to use instead of a new one")
    deploy.add_argument("--image", help="an image to use instead of the region's own for scikit-learn")
    deploy.add_argument(
        "--memory",
        type=int,
        choices=range(1024, 6145, 1024),
        default=2048,
        help="of the serverless endpoint, in MB (default: 2048)",
    )
    deploy.add_argument(
        "--instance",
        nargs="?",
        const=INSTANCE,
        metavar="TYPE",
        help=f"an instance that runs, and costs, all the time, instead of serverless (without TYPE: {INSTANCE})",
    )
    asks = commands.add_parser("predict", parents=[where], help="ask the endpoint")
    asks.add_argument(
        "--file", type=Path, default=HERE / "sample_request.json", help="the request: .json, .csv or .npy"
    )
    asks.add_argument("--url", help="a server on this machine to ask instead, such as http://127.0.0.1:8080")
    commands.add_parser("delete", parents=[where, making], help="take all of it down")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = read_options(arguments)
    try:
        if options.command == "predict":
            predict(options.name, options.region, options.file, options.url)
        elif options.command == "deploy":
            Deployment(options).deploy()
        else:
            Removal(options).delete()
    except KeyboardInterrupt:
        print("Stopped. `python deploy.py delete` takes down what may still be there.", file=sys.stderr)
        return 130
    except ModuleNotFoundError as missing:
        print(
            f"{missing.name} is not installed: run `pip install -r requirements-deploy.txt`.", file=sys.stderr
        )
        return 1
    except Exception as error:
        print(sentence(error, options.region), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
