"""The top level of a template: which sections there may be and that each is a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.template.closest import did_you_mean
from gateway.template.findings import Findings

SERVERLESS: Final = "AWS::Serverless-2016-10-31"
LANGUAGE_EXTENSIONS: Final = "AWS::LanguageExtensions"
_INCLUDE: Final = "AWS::Include"

_MAPPINGS: Final = ("Parameters", "Mappings", "Conditions", "Globals", "Resources", "Outputs", "Metadata", "Rules")
_SECTIONS: Final = frozenset({*_MAPPINGS, "AWSTemplateFormatVersion", "Description", "Transform", "Hooks"})


def check_sections(content: Mapping[str, Any], findings: Findings) -> None:
    """Report unknown sections, sections of a wrong shape and a template without Resources."""
    if not content.get("Resources"):
        findings.problem("the file has no Resources section", ("Resources",), _instead(content))
        return
    for name in content:
        if name not in _SECTIONS:
            _unknown(name, findings)
    for name in _MAPPINGS:
        if not isinstance(content.get(name, {}), dict):
            findings.problem(f"{name} must be a mapping", (name,), "look at the indentation of what follows it")
    if "Globals" in content and SERVERLESS not in transforms(content):
        findings.problem("Globals needs the SAM transform", ("Globals",), f"add Transform: {SERVERLESS}")


def transforms(content: Mapping[str, Any]) -> tuple[str, ...]:
    """The names under Transform, whichever way they are written."""
    declared = content.get("Transform")
    entries = declared if isinstance(declared, list) else [declared]
    names = (entry.get("Name") if isinstance(entry, dict) else entry for entry in entries)
    return tuple(name for name in names if isinstance(name, str))


def check_transforms(content: Mapping[str, Any], findings: Findings) -> None:
    """Name every macro that is not run here."""
    for name in transforms(content):
        if name not in (SERVERLESS, LANGUAGE_EXTENSIONS):
            findings.warning(f"the macro {name} is not run here", ("Transform",), "the template is used as written")


def _instead(content: Mapping[str, Any]) -> str:
    """What to do about a file that cannot be a template."""
    if "service" in content and "provider" in content:
        return "this looks like a file of the Serverless Framework: express it as a SAM template"
    for name in content:
        if name not in _SECTIONS and (guess := did_you_mean(name, ("Resources",))):
            return f"{name!r}: {guess}"
    return "a template names its resources there, the WebSocket API among them"


def _unknown(name: str, findings: Findings) -> None:
    if name == "Fn::Transform":
        findings.problem(f"Fn::Transform ({_INCLUDE}) is not supported", (name,), "put the included text in its place")
        return
    hint = did_you_mean(name, _SECTIONS, f"the sections are {', '.join(sorted(_SECTIONS))}")
    findings.problem(f"Invalid template property or properties [{name}]", (name,), hint)
