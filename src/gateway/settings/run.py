"""What one ``wsfleet run`` was asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.model.limits import AWS, Limits
from gateway.settings.environment import DEFAULT_REGION, Directories
from gateway.settings.profile import AWS_PROFILE, Profile

DEFAULT_HOST: Final = "localhost"  # both loopback addresses
DEFAULT_PORT: Final = 8080  # plain
DEFAULT_TLS_PORT: Final = 8443
TO_OUTPUT: Final = Path("-")  # as a log folder
TEMPLATE_NAMES: Final = ("template.yaml", "template.yml", "template.json")  # in the order `sam` looks for them
AWS_ITSELF: Final = "aws"  # in the place of an endpoint's URL


@dataclass(frozen=True, slots=True)
class RunSettings:
    """``wsfleet run``. Ports 0 mean any free one; ``endpoint_url`` None means embedded moto.

    ``lambda_endpoint_url`` is where functions run that the template does not define: a URL, ``AWS_ITSELF``, or None for
    nowhere. ``ca_bundle`` holds authorities to trust beside the public ones. ``log_dir`` None means a folder of the
    state's, ``TO_OUTPUT`` none at all. ``account_limits`` enforces the quotas of an AWS account, which AWS raises on
    request; those of stages and routes always hold. ``compression``: clients that offer permessage-deflate get it.
    """

    template: Path
    directories: Directories
    stage: str | None = None
    api: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    region: str = DEFAULT_REGION
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    tls_port: int = DEFAULT_TLS_PORT
    endpoint_url: str | None = None
    lambda_endpoint_url: str | None = None
    ca_bundle: Path | None = None
    env_vars: Path | None = None
    watch: bool = True
    ready_file: Path | None = None
    log_dir: Path | None = None
    account_limits: bool = False
    compression: bool = True
    profile: Profile = AWS_PROFILE

    @property
    def limits(self) -> Limits:
        """Of one connection."""
        return self.profile.of(AWS)

    @property
    def log_folder(self) -> Path | None:
        """Where the logs of stages are written, absolute; None is standard output."""
        if self.log_dir == TO_OUTPUT:
            return None
        return (self.log_dir or self.directories.state / "logs").absolute()


def find_template(folder: Path) -> Path | None:
    """The template that ``wsfleet run`` takes when none is named, None when the folder has none."""
    return next((folder / name for name in TEMPLATE_NAMES if (folder / name).is_file()), None)
