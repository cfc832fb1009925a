"""The SDK's descriptions of AWS services: which one an integration URI means, and where that service is.

Reading one takes milliseconds to a tenth of a second and the disk: for a thread, once per service.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from botocore.exceptions import BotoCoreError
from botocore.loaders import Loader, create_loader
from botocore.model import OperationModel, ServiceModel
from botocore.regions import EndpointResolver

from gateway.model.integration import ServiceTarget
from gateway.upstream.service_names import DESCRIPTIONS

_TYPE: Final = "service-2"  # botocore's name for the descriptions of services


class UnknownService(ValueError):
    """AWS has no such service, action or region, as far as the SDK knows."""


@dataclass(frozen=True, slots=True)
class Service:
    """``operation`` is set for an action. ``host`` is AWS's own; ``region`` is what a signature for it names.
    ``bucket`` is S3's subdomain, which an emulator takes as the start of the path."""

    signing_name: str
    region: str
    host: str
    operation: OperationModel | None = None
    bucket: str | None = None


class Descriptions:
    """May be used from one thread at a time."""

    def __init__(self) -> None:
        self._loader = _loader()
        self._names: Final = frozenset(self._loader.list_available_services(_TYPE))
        self._models: dict[str, ServiceModel] = {}

    def find(self, target: ServiceTarget, region: str) -> Service:
        """Raises UnknownService."""
        subdomain = f"{target.subdomain}." if target.subdomain else ""
        models = self._described_as(f"{subdomain}{target.service}")
        if models:
            subdomain = ""  # it is part of the service's own name, as in runtime.sagemaker
        else:
            models = self._described_as(target.service)
        operation = None if target.action is None else _operation(models, target.service, target.action)
        model = next(iter(models), None) if operation is None else operation.service_model
        place = _place(target.service if model is None else model.endpoint_prefix, region)
        return Service(
            signing_name=target.service if model is None else model.signing_name,
            region=place.get("credentialScope", {}).get("region", region),
            host=f"{subdomain}{_host_prefix(operation)}{place['hostname']}",
            operation=operation,
            bucket=target.subdomain if target.service == "s3" else None,
        )

    def _described_as(self, name: str) -> list[ServiceModel]:
        return [self._model(found) for found in (name, *DESCRIPTIONS.get(name, ())) if found in self._names]

    def _model(self, name: str) -> ServiceModel:
        if name not in self._models:
            self._models[name] = ServiceModel(self._loader.load_service_model(name, _TYPE), service_name=name)
        return self._models[name]


def _operation(models: list[ServiceModel], service: str, action: str) -> OperationModel:
    for model in models:
        if action in model.operation_names:
            return model.operation_model(action)
    raise UnknownService(f"{service} has no action {action}" if models else f"there is no AWS service {service}")


def _host_prefix(operation: OperationModel | None) -> str:
    """Step Functions answers ``StartSyncExecution`` at ``sync-states``; one made of parameters stays out."""
    endpoint: Any = None if operation is None else operation.endpoint
    prefix = str(endpoint.get("hostPrefix", "")) if endpoint else ""
    return "" if "{" in prefix else prefix


def _place(endpoint_prefix: str, region: str) -> dict[str, Any]:
    try:
        found = _resolver().construct_endpoint(endpoint_prefix, region)
    except BotoCoreError as error:
        raise UnknownService(str(error)) from error
    if found is None:
        raise UnknownService(f"there is no AWS region {region!r}")
    return dict(found)


@cache
def _loader() -> Loader:
    return create_loader()


@cache
def _resolver() -> EndpointResolver:
    return EndpointResolver(_loader().load_data("endpoints"))
