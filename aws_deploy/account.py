"""The account that is deployed to: looking things up in it, waiting for it, or only showing what would be asked of it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

from troubles import Trouble, is_missing, is_passing

MOVING = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")


class Shown:
    """Stands in for a client in a dry run: shows the calls that would change something, finds nothing, asks nobody."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**parameters: Any) -> None:
            if operation.startswith(("get_", "head_", "describe_", "list_")):
                return
            shown = {k: f"<{len(v)} bytes>" if isinstance(v, bytes) else v for k, v in parameters.items()}
            print(f"{self._service}.{operation}({', '.join(f'{k}={v!r}' for k, v in shown.items())})")

        return call


class Account:
    """Clients of the services that a deployment needs, for one account and region.

    In a dry run nobody is asked: the calls that would change something are shown, and nothing is found.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.name: str = options.name
        self.region: str = options.region
        self.dry: bool = options.dry_run
        self.patience: float = options.patience
        self.every: float = options.every
        services = ("sts", "s3", "iam", "sagemaker")
        if self.dry:
            clients: dict[str, Any] = {service: Shown(service) for service in services}
        else:
            import boto3
            from botocore.config import Config

            session = boto3.session.Session(region_name=self.region)
            config = Config(retries={"mode": "standard"}, connect_timeout=20, read_timeout=70)
            clients = {service: session.client(service, config=config) for service in services}
        self.s3, self.iam, self.sagemaker = clients["s3"], clients["iam"], clients["sagemaker"]
        caller = clients["sts"].get_caller_identity() or {"Account": "123456789012", "Arn": "arn:aws"}
        self.number: str = caller["Account"]
        self.partition: str = caller["Arn"].split(":")[1]

    def say(self, text: str) -> None:
        """Progress, to where it does not mix with answers; a dry run has none."""
        if not self.dry:
            print(text, file=sys.stderr, flush=True)

    def find(self, ask: Callable[..., Any], **parameters: Any) -> dict[str, Any] | None:
        """What AWS says of one thing; None if there is no such thing."""
        try:
            found: dict[str, Any] | None = ask(**parameters)
        except Exception as error:
            if is_missing(error):
                return None
            raise
        return found

    def pages(self, operation: str, key: str, **parameters: Any) -> list[dict[str, Any]]:
        """All entries of a listing."""
        if self.dry:
            return []
        pages = self.sagemaker.get_paginator(operation).paginate(**parameters)
        return [entry for page in pages for entry in page[key]]

    def settled(self, *, just_made: bool = False) -> dict[str, Any] | None:
        """Waits until the endpoint is neither coming nor going; its description, None when there is none.

        One that was ``just_made`` may take a moment to be seen. Raises Trouble when patience is at its end.
        """
        begin, told = time.monotonic(), ""
        while True:
            seconds = time.monotonic() - begin
            try:
                state = self.find(self.sagemaker.describe_endpoint, EndpointName=self.name)
                status = state["EndpointStatus"] if state else "not seen"
                unseen = state is None and just_made and not self.dry and seconds < 60
                if status not in MOVING and not unseen:
                    return state
            except Exception as error:
                if not is_passing(error):
                    raise
                status = "not to be asked"  # just now: it is tried again
            if seconds > self.patience:
                raise Trouble(
                    f"After {seconds:.0f} s the endpoint {self.name} is still {status}: "
                    "look at it in the SageMaker console, or wait longer with --patience SECONDS."
                )
            now = f"  {status}, {seconds / 60:.0f} min"
            if now != told:
                self.say(now)
                told = now
            time.sleep(self.every)
