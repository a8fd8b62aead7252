"""The steps that put the model into service. Those that a failing run has made are undone."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import re
import tarfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from removal import MADE_HERE, Removal
from troubles import Trouble, code_of, is_missing, message_of

HERE = Path(__file__).resolve().parent
FRAMEWORK_VERSION = "1.2-1"

# Whose registry holds SageMaker's scikit-learn images, by region (sagemaker SDK 2.257.7, image_uri_config/sklearn.json,
# 2026-11-22). Regions that an account has to switch on first are not listed: name their image with --image.
REGISTRIES = {
    "ap-northeast-1": "354813040037",
    "ap-northeast-2": "366743142698",
    "ap-northeast-3": "867004704886",
    "ap-south-1": "720646828776",
    "ap-southeast-1": "121021644041",
    "ap-southeast-2": "783357654285",
    "ca-central-1": "341280168497",
    "eu-central-1": "492215442770",
    "eu-north-1": "662702820516",
    "eu-west-1": "141502667606",
    "eu-west-2": "764974769150",
    "eu-west-3": "659782779980",
    "sa-east-1": "737474898029",
    "us-east-1": "683313688378",
    "us-east-2": "257758044811",
    "us-west-1": "746614075791",
    "us-west-2": "246618743249",
}


def image_of(region: str) -> str:
    """The image that serves scikit-learn in a region. Raises Trouble for one that is not listed."""
    if region not in REGISTRIES:
        raise Trouble(
            f"No scikit-learn image is known here for the region {region!r}: choose one of {', '.join(REGISTRIES)}, "
            "or name the image with --image."
        )
    registry = f"{REGISTRIES[region]}.dkr.ecr.{region}.amazonaws.com"
    return f"{registry}/sagemaker-scikit-learn:{FRAMEWORK_VERSION}-cpu-py3"


def pack_code() -> bytes:
    """``sourcedir.tar.gz``: inference.py at its root, the same bytes each time."""
    code = (HERE / "inference.py").read_bytes()
    entry = tarfile.TarInfo("inference.py")
    entry.size, entry.mode = len(code), 0o644
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(entry, io.BytesIO(code))
    return gzip.compress(plain.getvalue(), mtime=0)


def policy(*statements: dict[str, Any]) -> str:
    """A policy document of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class Deployment(Removal):
    """One deployment: its steps in order, each of which leaves alone what is already as it should be."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.image: str = options.image or image_of(options.region)
        super().__init__(options)
        self.given_role: str | None = options.role
        self.hosting: dict[str, Any]
        if options.instance:
            self.hosting = {"InstanceType": options.instance, "InitialInstanceCount": 1}
        else:
            self.hosting = {"ServerlessConfig": {"MemorySizeInMB": options.memory, "MaxConcurrency": 5}}
        self.undo: list[tuple[str, Callable[[], object]]] = []

    def deploy(self) -> None:
        """All steps. On any failure, those made by this run are undone, last first."""
        try:
            self._deploy()
        except BaseException:
            self._take_back()
            raise

    def _deploy(self) -> None:
        model, code = (HERE / "model.tar.gz").read_bytes(), pack_code()
        role = self.given_role or self.make_role()
        # What is deployed gives the name: the same again is found, anything else is made beside it and swapped in.
        parts = [hashlib.sha256(data).hexdigest() for data in (model, code)]
        made_of = json.dumps([*parts, self.image, role, self.bucket, self.hosting])
        version = hashlib.sha256(made_of.encode()).hexdigest()[:12]
        self.make_bucket()
        self.upload(f"{self.name}/{version}/model.tar.gz", model)
        self.upload(f"{self.name}/{version}/sourcedir.tar.gz", code)
        self.make_model(f"{self.name}-{version}", role, f"s3://{self.bucket}/{self.name}/{version}")
        self.make_config(f"{self.name}-{version}")
        self.make_endpoint(f"{self.name}-{version}")

    def make_role(self) -> str:
        """The role that the endpoint runs as: it may read its archives, pull its image and write its log."""
        known = self.find(self.iam.get_role, RoleName=self.role_name)
        if known is not None and MADE_HERE not in known["Role"].get("Tags", []):
            raise Trouble(
                f"A role {self.role_name} is there that this script did not make: hand one over with --role, "
                "or choose another --name."
            )
        if known is None:
            self.say(f"role {self.role_name}")
            sagemaker = {"Service": "sagemaker.amazonaws.com"}
            self.iam.create_role(
                RoleName=self.role_name,
                AssumeRolePolicyDocument=policy(
                    {"Effect": "Allow", "Principal": sagemaker, "Action": "sts:AssumeRole"}
                ),
                Description="What the endpoint of the penguin model runs as.",
                Tags=[MADE_HERE],
            )
            self.undo.append((f"role {self.role_name} is gone", self.delete_role))
        bucket = f"arn:{self.partition}:s3:::{self.bucket}"
        service = ["ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage"]
        service += ["ecr:GetDownloadUrlForLayer", "cloudwatch:PutMetricData", "logs:CreateLogGroup"]
        service += ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        self.iam.put_role_policy(
            RoleName=self.role_name,
            PolicyName="endpoint",
            PolicyDocument=policy(
                {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [f"{bucket}/{self.name}/*"]},
                {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [bucket]},
                {"Effect": "Allow", "Action": service, "Resource": ["*"]},
            ),
        )
        return f"arn:{self.partition}:iam::{self.number}:role/{self.role_name}"

    def make_bucket(self) -> None:
        """The bucket for the two archives. One that is there is used as it is, if it is this account's."""
        try:
            known = self.find(self.s3.head_bucket, Bucket=self.bucket, ExpectedBucketOwner=self.number)
        except Exception as error:
            if code_of(error) in ("301", "403", "AccessDenied", "PermanentRedirect"):
                raise Trouble(
                    f"The bucket {self.bucket} is another account's or another region's, or these credentials may not "
                    "see it: choose one with --bucket."
                ) from error
            raise
        if known is not None:
            return
        self.say(f"bucket {self.bucket}")
        place = {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
        self.s3.create_bucket(Bucket=self.bucket, **({} if self.region == "us-east-1" else place))
        self.undo.append(
            (f"bucket {self.bucket} is gone", partial(self.s3.delete_bucket, Bucket=self.bucket))
        )
        self.s3.put_bucket_tagging(Bucket=self.bucket, Tagging={"TagSet": [MADE_HERE]})

    def upload(self, key: str, body: bytes) -> None:
        """Puts one archive into the bucket, if it is not there yet."""
        where = {"Bucket": self.bucket, "Key": key, "ExpectedBucketOwner": self.number}
        if self.find(self.s3.head_object, **where) is None:
            self.say(f"upload s3://{self.bucket}/{key}, {len(body)} bytes")
            self.s3.put_object(**where, Body=body)
            self.undo.append((f"s3://{self.bucket}/{key} is gone", partial(self.s3.delete_object, **where)))

    def make_model(self, full_name: str, role: str, folder: str) -> None:
        """The model: the image, the archive with the model, and the archive with inference.py."""
        if self.find(self.sagemaker.describe_model, ModelName=full_name) is not None:
            return
        self.say(f"model {full_name}")
        environment = {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": f"{folder}/sourcedir.tar.gz",
            "SAGEMAKER_REGION": self.region,
        }
        # A role that is seconds old is not known everywhere yet.
        until = time.monotonic() + (0 if self.given_role else 120)
        while True:
            try:
                self.sagemaker.create_model(
                    ModelName=full_name,
                    ExecutionRoleArn=role,
                    PrimaryContainer={
                        "Image": self.image,
                        "ModelDataUrl": f"{folder}/model.tar.gz",
                        "Environment": environment,
                    },
                    Tags=[MADE_HERE],
                )
                break
            except Exception as error:
                young = re.search(r"(?i)assume (?:the )?role|access model data", message_of(error))
                if not young or code_of(error) != "ValidationException" or time.monotonic() > until:
                    raise
                self.say("  SageMaker does not know the new role yet")
                time.sleep(self.every)
        self.undo.append(
            (f"model {full_name} is gone", partial(self.sagemaker.delete_model, ModelName=full_name))
        )

    def make_config(self, full_name: str) -> None:
        """What the endpoint runs on: nothing between requests (serverless), or an instance that is always there."""
        if self.find(self.sagemaker.describe_endpoint_config, EndpointConfigName=full_name) is not None:
            return
        self.say(f"endpoint configuration {full_name}: {json.dumps(self.hosting)}")
        variant = {"VariantName": "AllTraffic", "ModelName": full_name, **self.hosting}
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=full_name, ProductionVariants=[variant], Tags=[MADE_HERE]
        )
        delete = partial(self.sagemaker.delete_endpoint_config, EndpointConfigName=full_name)
        self.undo.append((f"endpoint configuration {full_name} is gone", delete))

    def make_endpoint(self, config: str) -> None:
        """The endpoint itself: found as it should be, or made; one of another configuration is made anew."""
        state = self.settled()
        self.check_ours(state)
        if state is not None and (
            state["EndpointStatus"] != "InService" or state["EndpointConfigName"] != config
        ):
            # SageMaker could move a healthy one over without a gap, but not between an instance and serverless.
            old = state["EndpointConfigName"]
            self.say(f"endpoint {self.name} is {state['EndpointStatus']} with {old}, and is made anew")
            self.delete_endpoint()
            if state["EndpointStatus"] == "InService":
                create = partial(self.sagemaker.create_endpoint, EndpointName=self.name, Tags=[MADE_HERE])
                self.undo.append(
                    (
                        f"endpoint {self.name} is on its way back to {old}",
                        partial(create, EndpointConfigName=old),
                    )
                )
            state = None
        if state is None:
            self.say(f"endpoint {self.name}")
            self.sagemaker.create_endpoint(
                EndpointName=self.name, EndpointConfigName=config, Tags=[MADE_HERE]
            )
            self.undo.append((f"endpoint {self.name} is gone", self.delete_endpoint))
            state = self.settled(just_made=True)
        if self.dry:
            print(f"sagemaker.describe_endpoint(EndpointName={self.name!r})  # until it is InService")
            return
        state = state or {"EndpointStatus": "gone"}
        if state["EndpointStatus"] != "InService":
            why = state.get("FailureReason") or f"its status is {state['EndpointStatus']}"
            raise Trouble(
                f"The endpoint {self.name} did not come into service: {' '.join(why.split()).rstrip('.')}. "
                f"Its log, if it wrote one, is /aws/sagemaker/Endpoints/{self.name} in CloudWatch."
            )
        self.say(
            f"endpoint {self.name} is in service in {self.region}; ask it with `python deploy.py predict`"
        )

    def _take_back(self) -> None:
        if self.undo:
            self.say("That failed. Undoing what this run has done (Ctrl-C leaves the rest as it is):")
        left = []
        for done, undo in reversed(self.undo):
            try:
                undo()
                self.say(f"  {done}")
            except Exception as error:
                if not is_missing(error):
                    left.append(f"  not done: {done} ({code_of(error) or error})")
        if left:
            self.say("\n".join([*left, "`python deploy.py delete` takes down what is left."]))
