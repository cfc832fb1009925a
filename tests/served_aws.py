"""An embedded AWS with both of its ports, for tests: started when the first one asks for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from gateway.emulation.options import EmbeddedOptions
from gateway.model.aws import AwsEndpoint
from gateway.tls import certificate

REGION = "eu-central-1"
ACCOUNT = "999988887777"
PLAIN = EmbeddedOptions()
HOSTS = ("localhost", "127.0.0.1", "*.us-east-1.amazonaws.com", "*.s3.us-east-1.amazonaws.com", "s3.amazonaws.com")


@dataclass(frozen=True, slots=True)
class Served:
    """Where it answers; ``ca`` is what to trust on the TLS port."""

    port: int
    tls_port: int
    ca: Path
    pid: int

    @property
    def endpoint(self) -> AwsEndpoint:
        return AwsEndpoint(f"http://127.0.0.1:{self.port}", REGION)

    def client(self, service: str) -> Any:
        """A boto3 client on the plain port."""
        return self._client(service, f"http://127.0.0.1:{self.port}", None)

    def tls_client(self, service: str) -> Any:
        """A boto3 client on the TLS port."""
        return self._client(service, f"https://localhost:{self.tls_port}", str(self.ca))

    def _client(self, service: str, url: str, verify: str | None) -> Any:
        make: Any = boto3.client
        return make(
            service,
            region_name=REGION,
            endpoint_url=url,
            verify=verify,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )


@contextmanager
def served_aws(folder: Path, options: EmbeddedOptions = PLAIN) -> Iterator[Served]:
    """``folder`` takes the certificates."""
    now = datetime.now(UTC)
    root = certificate.authority(certificate.new_key(), certificate.needed_constraints(HOSTS), now)
    Path(folder, "ca.pem").write_bytes(root.certificate_pem())
    Path(folder, "leaf.pem").write_bytes(certificate.leaf(root, HOSTS, now).pem())
    options = replace(options, account_id=ACCOUNT, certificate=folder / "leaf.pem")
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "gateway.emulation.server", *options.arguments()],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        ports = json.loads(process.stdout.readline())
        yield Served(ports["port"], ports["tls_port"], folder / "ca.pem", process.pid)
        process.kill()
        assert process.stdout.read() == b"", "it prints nothing while it serves"
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
