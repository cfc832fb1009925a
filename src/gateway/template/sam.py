"""Expands AWS::Serverless::* resources with AWS's own translator, offline.

The translator wants code in S3, so every local path goes in as a made-up ``s3://`` address and comes back afterwards.
Nested applications would make it ask the Serverless Application Repository: they are kept out of its sight.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from samtranslator.metrics.metrics import DummyMetricsPublisher, Metrics
from samtranslator.model.exceptions import ExceptionWithMessage, InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.plugins import sam_plugins
from samtranslator.translator.translator import Translator

from gateway.template.closest import did_you_mean
from gateway.template.findings import Findings, Path

APPLICATION: Final = "AWS::Serverless::Application"
_BUCKET: Final = "wsfleet-local-code"
# What holds a path in each type, and the property the translator makes of it.
_PATHS: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS::Serverless::Api": ("DefinitionUri",),
    "AWS::Serverless::Function": ("CodeUri",),
    "AWS::Serverless::GraphQLApi": ("SchemaUri",),
    "AWS::Serverless::HttpApi": ("DefinitionUri",),
    "AWS::Serverless::LayerVersion": ("ContentUri",),
    "AWS::Serverless::StateMachine": ("DefinitionUri",),
}
_CODE: Final = ("Code", "Content")
_BLAMED: Final = re.compile(r"^(?:Resource|Event) with id \[(?P<id>[^\]]+)\] is invalid\. (?P<what>.*)$", re.DOTALL)
_UNKNOWN: Final = re.compile(r"property (\w+) not defined for resource")
_CHOICE: Final = re.compile(
    r"(?P<what>.*'(?P<name>[^']+)' is not a supported property of .*?)\. Must be one of[^\[]*\[(?P<names>.*)\]",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Session:
    """All that the translator asks of a boto session."""

    region_name: str


def expand(
    content: dict[str, Any], parameters: Mapping[str, str | list[str]], region: str, findings: Findings
) -> dict[str, Any] | None:
    """The template as CloudFormation, None when the translator refuses it (its complaints are in ``findings``)."""
    template = deepcopy(content)
    template["Resources"], applications = _without_applications(template["Resources"])
    local: dict[str, Any] = {}
    _hide_paths(template, local)
    if not template["Resources"]:
        return {**template, "Resources": applications}
    expanded = _translate(template, parameters, region, findings)
    if expanded is None:
        return None
    _put_back(expanded["Resources"], local)
    expanded["Resources"].update(applications)
    return expanded


def _translate(
    template: dict[str, Any], parameters: Mapping[str, str | list[str]], region: str, findings: Findings
) -> dict[str, Any] | None:
    sam_plugins.LOG.disabled = True  # it prints the traceback of what it raises anyway
    metrics = Metrics(metrics_publisher=DummyMetricsPublisher())
    try:
        translator = Translator({}, Parser(), boto_session=_Session(region), metrics=metrics)
        expanded: dict[str, Any] = translator.translate(template, dict(parameters), passthrough_metadata=True)
        return expanded
    except InvalidDocumentException as error:
        for cause in error.causes:
            _blame(cause, template["Resources"], findings)
    except ExceptionWithMessage as error:
        _blame(error, template["Resources"], findings)
    except Exception as error:  # a shape the translator did not expect: it has no error of its own for these
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        findings.problem(f"the SAM translator cannot read this template ({what})", hint="sam validate may say more")
    finally:
        metrics.publish()  # otherwise it complains on stderr when it is collected
    return None


def _blame(cause: ExceptionWithMessage, resources: Mapping[str, Any], findings: Findings) -> None:
    message = cause.message
    match = _BLAMED.match(message)
    if match and match["id"] in resources:
        unknown = _UNKNOWN.match(match["what"])
        findings.problem(match["what"], ("Resources", match["id"], *(("Properties", unknown[1]) if unknown else ())))
        return
    where: Path = ("Globals",) if message.startswith("'Globals'") else ()
    choice = _CHOICE.match(message)
    if choice:
        names = re.findall(r"'([^']*)'", choice["names"])
        findings.problem(choice["what"], where, did_you_mean(choice["name"], names, "it has no such property"))
        return
    findings.problem(message, _event_of(match["id"], resources) if match else where)


def _event_of(name: str, resources: Mapping[str, Any]) -> Path:
    """The translator names an event by function and event in one word."""
    return next((("Resources", str(owner)) for owner in resources if name.startswith(str(owner))), ())


def _without_applications(resources: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    applications = {
        name: body for name, body in resources.items() if isinstance(body, dict) and body.get("Type") == APPLICATION
    }
    return {name: body for name, body in resources.items() if name not in applications}, applications


def _hide_paths(template: dict[str, Any], local: dict[str, Any]) -> None:
    for properties, name in _holders(template):
        value = properties[name]
        if isinstance(value, str) and value.startswith("s3://"):
            continue
        if isinstance(value, dict) and ({"Bucket", "Key"} <= value.keys() or {"S3Bucket", "S3Key"} <= value.keys()):
            continue
        key = f"path-{len(local)}"
        local[key] = value
        properties[name] = f"s3://{_BUCKET}/{key}"


def _holders(template: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Every mapping of properties that holds a path, with the name it is under; code without one is the folder."""
    defaults = template.get("Globals", {}).get("Function")
    globally = isinstance(defaults, dict) and "CodeUri" in defaults
    if isinstance(defaults, dict) and globally:
        yield defaults, "CodeUri"
    for body in template["Resources"].values():
        kind = body.get("Type") if isinstance(body, dict) else None
        if not isinstance(kind, str) or kind not in _PATHS:
            continue
        properties = body.setdefault("Properties", {})
        if not isinstance(properties, dict):
            continue
        if kind == "AWS::Serverless::Function" and not globally and _is_zip(properties, defaults):
            properties.setdefault("CodeUri", ".")
        yield from ((properties, name) for name in _PATHS[kind] if name in properties)


def _is_zip(properties: Mapping[str, Any], defaults: object) -> bool:
    package = properties.get("PackageType", defaults.get("PackageType") if isinstance(defaults, dict) else None)
    return package in (None, "Zip") and "InlineCode" not in properties and "ImageUri" not in properties


def _put_back(resources: dict[str, Any], local: Mapping[str, Any]) -> None:
    for body in resources.values():
        properties = body.get("Properties") if isinstance(body, dict) else None
        if not isinstance(properties, dict):
            continue
        for name in _CODE:
            code = properties.get(name)
            if isinstance(code, dict) and code.get("S3Bucket") == _BUCKET:
                properties[name] = local[code["S3Key"]]
