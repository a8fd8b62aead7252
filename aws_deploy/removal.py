"""How each step is undone, and all of them at once."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from account import MOVING, Account
from troubles import Trouble, is_missing, sentence

MADE_HERE = {"Key": "made-by", "Value": "penguins-deploy"}
"""The tag on all that `deploy` makes. A role or bucket without it is somebody else's, and stays."""


class Removal(Account):
    """A deployment's names, and how its parts are deleted."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.bucket: str = options.bucket or f"{self.name}-lab-{self.number}-{self.region}"
        self.role_name = f"{self.name}-{self.region}-endpoint"
        self.version = re.compile(re.escape(self.name) + "-[0-9a-f]{12}")

    def delete(self) -> None:
        """Takes down all that `deploy` makes under this name, in this run or an earlier one.

        Goes on where a part cannot be deleted, and raises Trouble at the end, saying which.
        """
        named = {"NameContains": f"{self.name}-"}
        listed = self.pages("list_endpoint_configs", "EndpointConfigs", **named)
        configs = [each["EndpointConfigName"] for each in listed]
        models = [each["ModelName"] for each in self.pages("list_models", "Models", **named)]
        configs, models = (
            [name for name in names if self.version.fullmatch(name)] for names in (configs, models)
        )
        if self.dry:
            configs = models = [f"{self.name}-VERSION"]
        drop_config, drop_model = self.sagemaker.delete_endpoint_config, self.sagemaker.delete_model
        parts: list[tuple[str, Callable[[], object]]] = [(f"endpoint {self.name}", self.delete_endpoint)]
        buckets = self.buckets(models)
        parts += [
            (f"endpoint configuration {c}", partial(drop_config, EndpointConfigName=c)) for c in configs
        ]
        parts += [(f"model {m}", partial(drop_model, ModelName=m)) for m in models]
        parts += [(f"s3://{b}/{self.name}/", partial(self.delete_uploads, b)) for b in buckets]
        parts += [(f"role {self.role_name}", self.delete_role)]
        left = []
        for what, delete in parts:
            try:
                if delete() is not False:
                    self.say(f"{what} is gone")
            except Exception as error:
                if not is_missing(error):
                    left.append(f"{what}: {sentence(error, self.region)}")
        if left:
            raise Trouble(f"Not all could be deleted. Still there: {' '.join(left)}")
        self.say(f"nothing of {self.name} is left in {self.region}")

    def delete_endpoint(self) -> bool:
        """Deletes the endpoint and waits until it is gone. One that is still being made has to be waited for first."""
        state = self.find(self.sagemaker.describe_endpoint, EndpointName=self.name)
        self.check_ours(state)
        if state is not None and state["EndpointStatus"] in MOVING:
            state = self.settled()
        if state is None and not self.dry:
            return False
        self.sagemaker.delete_endpoint(EndpointName=self.name)
        self.settled()
        return True

    def check_ours(self, state: dict[str, Any] | None) -> None:
        """Raises Trouble for an endpoint whose configuration is none that `deploy` makes."""
        if state is not None and not self.version.fullmatch(state["EndpointConfigName"]):
            raise Trouble(
                f"An endpoint {self.name} is there that this script did not make: choose another --name, "
                "or delete that one by hand."
            )

    def buckets(self, models: list[str]) -> list[str]:
        """The buckets that hold archives: the usual one, and those that the models name."""
        found = {self.bucket}
        for name in models:
            model = self.find(self.sagemaker.describe_model, ModelName=name) or {}
            address = model.get("PrimaryContainer", {}).get("ModelDataUrl", "")
            found.add(address.removeprefix("s3://").split("/")[0])
        return sorted(found - {""})

    def delete_uploads(self, bucket: str) -> bool:
        """Deletes the archives, and the bucket too if `deploy` made it and nothing else is in it."""
        whose = {"Bucket": bucket, "ExpectedBucketOwner": self.number}
        if self.dry:
            self.s3.delete_object(Bucket=bucket, Key=f"{self.name}/VERSION/model.tar.gz")
            self.s3.delete_object(Bucket=bucket, Key=f"{self.name}/VERSION/sourcedir.tar.gz")
            self.s3.delete_bucket(Bucket=bucket)
            return True
        if self.find(self.s3.head_bucket, **whose) is None:
            return False
        pages = self.s3.get_paginator("list_objects_v2").paginate(**whose, Prefix=f"{self.name}/")
        for key in [entry["Key"] for page in pages for entry in page.get("Contents", [])]:
            self.s3.delete_object(**whose, Key=key)
        tags = (self.find(self.s3.get_bucket_tagging, **whose) or {}).get("TagSet", [])
        rest: dict[str, Any] = self.s3.list_objects_v2(**whose, MaxKeys=1)
        if MADE_HERE in tags and not rest.get("KeyCount"):
            self.s3.delete_bucket(**whose)
        return True

    def delete_role(self) -> bool:
        """Deletes the role, if `deploy` made it."""
        known = self.find(self.iam.get_role, RoleName=self.role_name)
        if not self.dry and (known is None or MADE_HERE not in known["Role"].get("Tags", [])):
            return False
        self.find(self.iam.delete_role_policy, RoleName=self.role_name, PolicyName="endpoint")
        self.iam.delete_role(RoleName=self.role_name)
        return True
