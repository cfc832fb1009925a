"""What a template is loaded with: the answers a deployment would get from the command line and the account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT_ACCOUNT_ID = "123456789012"  # moto's
ALL_FUNCTIONS = "Parameters"  # the section of an --env-vars file that speaks to every function, as in sam local


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """``aws_endpoint_url`` is where queue URLs point, None for AWS itself; ``api`` chooses one API by logical ID or
    name; ``environment`` is a ``sam local`` env-vars document: logical ID or name of a function, or ``Parameters``
    for all of them, to variables.

    ``stage`` is served first. An API that does not declare it gets it with the variables of its only stage (with none
    when it has no stage); its declared stages stay, because handlers may name them in a callback URL.

    ``remote_functions`` says that a function this template does not define can be called elsewhere, by its ARN.
    """

    stack_name: str
    region: str
    account_id: str = DEFAULT_ACCOUNT_ID
    parameters: Mapping[str, str] = field(default_factory=dict)
    stage: str | None = None
    api: str | None = None
    aws_endpoint_url: str | None = None
    url_suffix: str = "amazonaws.com"
    environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    remote_functions: bool = False
