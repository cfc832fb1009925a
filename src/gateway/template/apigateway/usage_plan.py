"""AWS::ApiGateway::UsagePlan and UsagePlanKey: which keys open which stages, how fast and how often.

Plans of REST APIs are nobody's business here: only those with a stage of a served API are read, with their keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from gateway.model.api import Api
from gateway.model.ids import CONNECT, ApiId, StageName
from gateway.model.plan import ApiKey, Quota, QuotaPeriod, Throttle, UsagePlan
from gateway.template.apigateway.api_key import API_KEY, read_api_key
from gateway.template.declared import Declared
from gateway.template.properties import Properties
from gateway.template.template import Template

USAGE_PLAN: Final = "AWS::ApiGateway::UsagePlan"
USAGE_PLAN_KEY: Final = "AWS::ApiGateway::UsagePlanKey"
_PROPERTIES: Final = ("ApiStages", "Description", "Quota", "Tags", "Throttle", "UsagePlanName")
_STAGE_PROPERTIES: Final = ("ApiId", "Stage", "Throttle")
_QUOTA_PROPERTIES: Final = ("Limit", "Offset", "Period")
_THROTTLE_PROPERTIES: Final = ("BurstLimit", "RateLimit")
_KEY_PROPERTIES: Final = ("KeyId", "KeyType", "UsagePlanId")
_KEY_TYPE: Final = "API_KEY"
_MAX_COUNT: Final = 999_999_999
_Stages = frozenset[tuple[ApiId, StageName]]


def read_usage_plans(template: Template, apis: Iterable[Api]) -> tuple[UsagePlan, ...]:
    """The plans that have a stage of ``apis``."""
    by_id = {str(api.api_id): api for api in apis}
    plans = {template.reference(declared) or "": declared for declared in template.of_type(USAGE_PLAN)}
    stages = {plan_id: _stages(template, declared, by_id) for plan_id, declared in plans.items()}
    served = {plan_id: declared for plan_id, declared in plans.items() if stages[plan_id]}
    keys = _keys(template, served, stages)
    return tuple(
        _plan(template, declared, plan_id, stages[plan_id], keys[plan_id]) for plan_id, declared in served.items()
    )


def check_api_keys(template: Template, apis: Iterable[Api], plans: Iterable[UsagePlan]) -> None:
    """Warn of stages that need an API key and have none."""
    opened = {stage for plan in plans for stage in plan.stages if any(key.enabled for key in plan.keys)}
    for api in apis:
        connect = api.route(CONNECT)
        if connect is None or not connect.api_key_required:
            continue
        for stage in api.stages:
            if (api.api_id, stage) not in opened:
                what = f"no usage plan has an enabled key for stage {stage}: every connection is refused"
                hint = f"add it to the ApiStages of an {USAGE_PLAN} and name a key with an {USAGE_PLAN_KEY}"
                template.findings.warning(what, ("Resources", connect.logical_id), hint)


def _stages(template: Template, declared: Declared, apis: Mapping[str, Api]) -> _Stages:
    findings = template.findings.draft()
    entries = template.properties(declared, findings).entries("ApiStages")
    found = [_stage(entry, apis[api_id]) for entry in entries if (api_id := entry.text("ApiId") or "") in apis]
    instead = None if found else "the plan is left out, as it names no API that is served"
    template.findings.take(findings, instead_of_stopping=instead)
    wanted = template.options.stage
    copies = {(api_id, StageName(wanted or "")) for api_id, _ in found if _is_copy(apis[api_id], wanted)}
    return frozenset({*found, *copies})


def _stage(entry: Properties, api: Api) -> tuple[ApiId, StageName]:
    entry.check_names(_STAGE_PROPERTIES)
    name = entry.required("Stage", "for example Stage: !Ref MyStage")
    if name is not None and name not in api.stages:
        entry.problem(f"{api.logical_id} has no stage {name!r}", "Stage", f"its stages are {', '.join(api.stages)}")
    if entry.value("Throttle"):
        entry.unsupported("Throttle within ApiStages", "Throttle", "set the Throttle of the whole plan")
    return api.api_id, StageName(name or "")


def _is_copy(api: Api, stage: str | None) -> bool:
    """Whether the stage is one that the command line added: it opens to whom the API's own stage does."""
    return stage is not None and stage in api.stages and api.stages[StageName(stage)].logical_id == api.logical_id


def _keys(
    template: Template, plans: Mapping[str, Declared], stages: Mapping[str, _Stages]
) -> dict[str, tuple[ApiKey, ...]]:
    declared_keys = {template.reference(declared) or "": declared for declared in template.of_type(API_KEY)}
    found: dict[str, tuple[ApiKey, ...]] = {plan_id: () for plan_id in plans}
    opened: dict[tuple[str, ApiId, StageName], str] = {}
    for declared in template.of_type(USAGE_PLAN_KEY):
        plan_id = template.properties(declared, template.findings.draft()).text("UsagePlanId") or ""
        if plan_id not in found:
            continue
        properties = template.properties(declared)
        key = _key(properties, template, declared_keys)
        if key is not None:
            found[plan_id] = (*found[plan_id], key)
            others = {opened.setdefault((key.key_id, *stage), plan_id) for stage in stages[plan_id]} - {plan_id}
            for other in sorted(others):
                hint = "take the key or the stage out of one of the two"
                what = f"the key opens the same stage by {plans[other].logical_id} already"
                properties.problem(what, "KeyId", hint)
    return found


def _key(properties: Properties, template: Template, keys: Mapping[str, Declared]) -> ApiKey | None:
    properties.check_names(_KEY_PROPERTIES)
    kind = properties.required("KeyType", f"it is {_KEY_TYPE}")
    if kind not in (None, _KEY_TYPE):
        properties.problem(f"there is no KeyType {kind!r}", "KeyType", f"it is {_KEY_TYPE}")
    key_id = properties.required("KeyId", "for example KeyId: !Ref MyApiKey")
    if key_id is None:
        return None
    if key_id not in keys:
        hint = "declare it as AWS::ApiGateway::ApiKey, with its Value"
        properties.problem(f"API key {key_id!r} is not in this template", "KeyId", hint)
        return None
    return read_api_key(template, keys[key_id])


def _plan(template: Template, declared: Declared, plan_id: str, stages: _Stages, keys: tuple[ApiKey, ...]) -> UsagePlan:
    properties = template.properties(declared)
    properties.check_names(_PROPERTIES)
    name = properties.text("UsagePlanName") or template.facts.name(declared.logical_id)
    return UsagePlan(plan_id, name, stages, keys, _throttle(properties), _quota(properties))


def _throttle(properties: Properties) -> Throttle | None:
    block = properties.nested("Throttle")
    if block is None or not list(block):
        return None
    block.check_names(_THROTTLE_PROPERTIES)
    for name in _THROTTLE_PROPERTIES:
        block.required(name)
    rate, burst = block.number("RateLimit"), block.integer("BurstLimit", 0, _MAX_COUNT)
    return None if rate is None or burst is None else Throttle(rate, burst)


def _quota(properties: Properties) -> Quota | None:
    block = properties.nested("Quota")
    if block is None or not list(block):
        return None
    block.check_names(_QUOTA_PROPERTIES)
    for name in ("Limit", "Period"):
        block.required(name)
    limit, period = block.integer("Limit", 0, _MAX_COUNT), block.choice("Period", QuotaPeriod)
    offset = block.integer("Offset", 0, _MAX_COUNT)
    return None if limit is None or period is None else Quota(limit, period, offset or 0)
