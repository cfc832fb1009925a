"""Where the tasks of a state machine find what they call: AWS here, functions and connections at the gateway.

Moto would ask for everything at its own port of ``localhost``, as set by the machine's environment and files.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Any

import boto3.session
from botocore.config import Config

from gateway.emulation.session import Client, session_of
from gateway.model.aws import AwsEndpoint


@dataclass(frozen=True, slots=True)
class Surroundings:
    """``lambda_url`` is where functions are invoked, ``management_url`` where connections are managed, without a
    stage; None: nobody does either, and the tasks fail."""

    aws_url: str
    lambda_url: str | None = None
    management_url: str | None = None


class TaskClients:
    """Stands in for the ``boto3`` module where moto makes the clients of tasks. Used from several threads."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._made: dict[tuple[str, str], Client] = {}
        self._lock = Lock()

    def client(self, service_name: str, region_name: str, config: Config, **_: Any) -> Client:
        """The client moto asks for, with its timeouts, at our endpoint."""
        with self._lock:
            key = service_name, region_name
            if key not in self._made:
                self._made[key] = self._make(service_name, region_name, config)
            return self._made[key]

    def _make(self, service: str, region: str, config: Config) -> Client:
        at = self._surroundings
        url = at.lambda_url if service == "lambda" and at.lambda_url is not None else at.aws_url
        make: Any = boto3.session.Session(botocore_session=session_of(AwsEndpoint(url, region))).client
        plain = Config(proxies={}, inject_host_prefix=False, s3={"addressing_style": "path"})
        return make(service, endpoint_url=url, config=config.merge(plain))
