"""How the embedded AWS is asked to run: the same options at both ends of its command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LOOPBACK: Final = "127.0.0.1"
DEFAULT_ACCOUNT: Final = "123456789012"  # moto's own
TOLD: Final = "WSFLEET_EMULATOR_TOLD"  # variable with the number of a descriptor that a line with a path is read from


@dataclass(frozen=True, slots=True)
class EmbeddedOptions:
    """``certificate`` is the PEM file of certificate and chain, None for plain HTTP only; ``key`` None when the
    certificate's file holds it too. ``certificate_later``: its path is told when the process runs already, by
    ``TOLD``. Port 0: any free one. ``lambda_url`` and ``management_url`` (without a stage) are
    where tasks of state machines invoke functions and reach connections, None for nowhere."""

    account_id: str = DEFAULT_ACCOUNT
    port: int = 0
    tls_port: int = 0
    certificate: Path | None = None
    key: Path | None = None
    certificate_later: bool = False
    lambda_url: str | None = None
    management_url: str | None = None

    def arguments(self) -> list[str]:
        """The command line that ``parse`` reads back."""
        arguments = ["--account-id", self.account_id, "--port", str(self.port), "--tls-port", str(self.tls_port)]
        if self.certificate is not None:
            arguments += ["--certificate", str(self.certificate)]
        if self.key is not None:
            arguments += ["--key", str(self.key)]
        if self.certificate_later:
            arguments += ["--certificate-later"]
        if self.lambda_url is not None:
            arguments += ["--lambda-url", self.lambda_url]
        if self.management_url is not None:
            arguments += ["--management-url", self.management_url]
        return arguments


def parse(arguments: Sequence[str] | None) -> EmbeddedOptions:
    """The options of a command line, ``sys.argv``'s when None. Exits with status 2 when it makes no sense."""
    parser = argparse.ArgumentParser(prog="gateway.emulation.server", allow_abbrev=False)
    parser.add_argument("--account-id", default=DEFAULT_ACCOUNT)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls-port", type=int, default=0)
    parser.add_argument("--certificate", type=Path, help="PEM file: certificate and chain")
    parser.add_argument("--key", type=Path, help="PEM file: private key; the certificate's file when left out")
    parser.add_argument("--certificate-later", action="store_true", help=f"its path comes on descriptor ${TOLD}")
    parser.add_argument("--lambda-url", help="where tasks of state machines invoke functions")
    parser.add_argument("--management-url", help="where they reach connections; no stage in it")
    return EmbeddedOptions(**vars(parser.parse_args(arguments)))
