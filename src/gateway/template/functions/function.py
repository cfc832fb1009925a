"""One AWS::Lambda::Function, as written or as the transform made it of an AWS::Serverless::Function."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from gateway.model.function import Function
from gateway.model.ids import FunctionName
from gateway.template.declared import Declared
from gateway.template.findings import Findings
from gateway.template.functions.code import read_code
from gateway.template.functions.environment import read_environment
from gateway.template.functions.layers import Layers
from gateway.template.functions.runtimes import SUPPORTED_RUNTIMES, is_supported, needs_handler
from gateway.template.lambda_identities import function_arn
from gateway.template.properties import Properties
from gateway.template.template import Template

DEFAULT_TIMEOUT_S: Final = 3
MAX_TIMEOUT_S: Final = 900
DEFAULT_MEMORY_MIB: Final = 128
MAX_MEMORY_MIB: Final = 10_240
_MAX_CONCURRENCY: Final = 999_999_999
_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
# Build methods whose source cannot be run as it is.
_BUILT: Final = frozenset({"esbuild", "makefile", "rust-cargolambda", "go1.x", "dotnet7"})


def read_function(
    template: Template,
    declared: Declared,
    name: str,
    layers: Layers,
    qualifiers: tuple[Collection[str], Collection[str]],
    findings: Findings,
) -> Function | None:
    """The function called ``name``, whose versions and aliases are ``qualifiers``; None after reporting why not."""
    properties = template.properties(declared, findings)
    if not _NAME.fullmatch(name):
        properties.problem(f"{name!r} is no name for a function", "FunctionName", "letters, digits, - and _, up to 64")
    if properties.text("PackageType") == "Image":
        properties.unsupported("PackageType: Image", "PackageType", "package the function as a folder or zip")
        return None
    runtime = _runtime(properties)
    handler = _handler(properties, runtime)
    code = read_code(properties, "Code", template.path)
    _look_for_a_build(properties)
    timeout = properties.integer("Timeout", 1, MAX_TIMEOUT_S)
    memory = properties.integer("MemorySize", DEFAULT_MEMORY_MIB, MAX_MEMORY_MIB)
    environment = read_environment(properties, name, template)
    used_layers = layers.read(properties, findings)
    concurrency = properties.integer("ReservedConcurrentExecutions", 0, _MAX_CONCURRENCY)
    if runtime is None or handler is None or code is None:
        return None
    versions, aliases = qualifiers
    return Function(
        logical_id=declared.logical_id,
        function_name=FunctionName(name),
        arn=function_arn(name, template.facts),
        runtime=runtime,
        handler=handler,
        code=code,
        environment=environment,
        layers=used_layers,
        timeout_s=DEFAULT_TIMEOUT_S if timeout is None else timeout,
        memory_mib=DEFAULT_MEMORY_MIB if memory is None else memory,
        reserved_concurrency=concurrency,
        versions=tuple(versions),
        aliases=tuple(aliases),
        description=properties.text("Description"),
    )


def _runtime(properties: Properties) -> str | None:
    runtime = properties.required("Runtime", "for example Runtime: python3.13")
    if runtime is not None and not is_supported(runtime):
        properties.unsupported(f"runtime {runtime}", "Runtime", f"runtimes that run here: {SUPPORTED_RUNTIMES}")
    return runtime


def _handler(properties: Properties, runtime: str | None) -> str | None:
    if runtime is not None and not needs_handler(runtime):
        return properties.text("Handler") or ""
    return properties.required("Handler", "for example Handler: app.handler")


def _look_for_a_build(properties: Properties) -> None:
    metadata = properties.declared.metadata or {}
    method = metadata.get("BuildMethod")
    if (
        isinstance(method, str) and method in _BUILT and "SamResourceId" not in metadata
    ):  # sam build writes that beside what it has built
        hint = "run sam build and use .aws-sam/build/template.yaml"
        properties.warning(f"the code has to be built first (BuildMethod: {method})", hint=hint)
    if properties.has("FileSystemConfigs"):
        properties.warning("FileSystemConfigs is not supported: nothing is mounted", "FileSystemConfigs")
