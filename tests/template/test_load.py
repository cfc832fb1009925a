from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.engine.directory import Directory
from gateway.model.api import LambdaTarget
from gateway.model.errors import DefinitionError
from gateway.model.ids import FunctionName, RouteKey, StageName
from gateway.template.document import Document, parse
from gateway.template.load import load
from gateway.template.options import LoadOptions
from golden_templates import INPUTS
from template_texts import API, OPTIONS, function_text, loaded, problems_of, text_of, the_function, warnings_of

SHAPELESS = {
    "Resources": {"F": {"Type": "AWS::Serverless::Function", "Properties": {"Events": {"A": {"Type": "Api"}}}}}
}
SAMPLE = Path(__file__).parent.parent.parent / "template.yaml"


def test_a_small_template() -> None:
    definition = loaded(text_of())
    (api,) = definition.apis
    route = api.route(RouteKey("$default"))
    assert route is not None and route.integration is not None
    assert route.integration.target == LambdaTarget(FunctionName("app-Function"))
    assert list(api.stages) == ["prod"]
    assert definition.warnings == ()


def test_the_sample_application_loads_without_a_warning() -> None:
    definition = loaded(SAMPLE.read_text(encoding="utf-8"), path="template.yaml")
    (api,) = definition.apis
    assert set(api.routes) == {"$connect", "$disconnect", "$default", "join", "send"}
    assert [key for key, route in api.routes.items() if route.two_way] == ["$default"]
    assert definition.warnings == ()


def test_loading_says_nothing_on_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        loaded((INPUTS / "sam_websocket.yaml").read_text(encoding="utf-8"))
        judged(json.dumps({"Transform": "AWS::Serverless-2016-10-31", "Globals": {"Function": 5}, **SHAPELESS}))
    assert caplog.records == []


def test_loading_leaves_no_trace_in_the_next_one() -> None:
    text = (INPUTS / "sam_websocket.yaml").read_text(encoding="utf-8")
    first = loaded(text)
    assert loaded(text, LoadOptions(stack_name="app", region="eu-north-1")) != first
    assert loaded(text) == first


@pytest.mark.parametrize(
    ("path", "code", "expected"),
    [
        ("template.yaml", "src/", "src"),
        ("./template.yaml", "./src", "src"),
        ("app/template.yaml", "src", "app/src"),
        ("app/template.yaml", "../src", "src"),
        ("/srv/app/template.yaml", ".", "/srv/app"),
        ("app/template.yaml", "/opt/code", "/opt/code"),
    ],
)
def test_code_starts_at_the_template(path: str, code: str, expected: str) -> None:
    function = the_function(function_text({"Code": code}), path=path)
    assert getattr(function.code, "path", None) == expected


def test_a_missing_parameter_is_told_once() -> None:
    text = text_of(
        {
            "Stage": {
                "Type": "AWS::ApiGatewayV2::Stage",
                "Properties": {"ApiId": {"Ref": "Api"}, "StageName": {"Ref": "S"}},
            }
        },
        Parameters={"S": {"Type": "String"}},
    )
    assert problems_of(text)[0] == "Parameters: [S] must have values"
    assert not any("StageName" in message for message in problems_of(text))
    given_one = LoadOptions(stack_name="app", region="us-east-1", parameters={"S": "dev"})
    assert list(loaded(text, given_one).apis[0].stages) == ["dev"]


def test_only_the_chosen_api_is_judged() -> None:
    broken = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "other", "ProtocolType": "WEBSOCKET"}}
    text = text_of({"Broken": broken})
    assert problems_of(text) != []
    for name in ("Api", "api"):
        definition = loaded(text, LoadOptions(stack_name="app", region="us-east-1", api=name))
        assert [api.logical_id for api in definition.apis] == ["Api"]


def test_a_stage_from_the_command_line_comes_first_and_keeps_the_declared_one() -> None:
    variables = {**API["Stage"]["Properties"], "StageVariables": {"a": "b"}}
    text = text_of({"Stage": {"Type": "AWS::ApiGatewayV2::Stage", "Properties": variables}})
    for wanted, expected in (("local", ["local", "prod"]), ("prod", ["prod"])):
        (api,) = loaded(text, LoadOptions(stack_name="app", region="us-east-1", stage=wanted)).apis
        assert list(api.stages) == expected
        assert api.stages[StageName(wanted)].stage_variables == {"a": "b"}


@pytest.mark.parametrize(
    ("runtime", "supported"),
    [
        ("python3.8", True),
        ("python3.14", True),
        ("nodejs8.10", True),
        ("nodejs12.x", True),
        ("nodejs24.x", True),
        ("provided", True),
        ("provided.al2", True),
        ("provided.al2023", True),
        ("python2.7", False),
        ("nodejs", False),
        ("java21", False),
        ("dotnet8", False),
        ("ruby3.4", False),
        ("go1.x", False),
    ],
)
def test_runtimes(runtime: str, supported: bool) -> None:
    problems = problems_of(function_text({"Runtime": runtime}))
    assert problems == ([] if supported else [f"runtime {runtime} is not supported"])


@pytest.mark.parametrize("name", ["AWS_REGION", "LAMBDA_TASK_ROOT", "_HANDLER"])
def test_reserved_variables(name: str) -> None:
    (problem,) = problems_of(function_text({"Environment": {"Variables": {name: "x"}}}))
    assert problem.endswith(f"Reserved keys used in this request: {name}")


def test_an_environment_over_4_kb_is_refused() -> None:
    assert problems_of(function_text({"Environment": {"Variables": {"AB": "x" * 4094}}})) == []
    (problem,) = problems_of(function_text({"Environment": {"Variables": {"AB": "x" * 4095}}}))
    assert "exceeded the 4KB limit" in problem


def test_a_function_nobody_calls_never_stops_the_template() -> None:
    other = {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "java21", "Handler": "a", "Code": "b"}}
    text = text_of({"Other": other})
    assert list(loaded(text).functions) == ["app-Function"]
    assert warnings_of(text) == ["runtime java21 is not supported; the function is left out, as no route calls it"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ({"ImageUri": "example/image"}, "a container image (ImageUri) is not supported"),
        ({"S3Bucket": "b", "S3Key": "k"}, "the code is in s3://b/k, not on this machine"),
        ({"S3Bucket": "b"}, "the code is in an unknown place, not on this machine"),
        ("s3://b/k", "the code is in s3://b/k, not on this machine"),
        ("", "the code is in an unknown place, not on this machine"),
        (["src"], "Code must be a path or a mapping"),
        (None, "Code is missing"),
        ({"Ref": "AWS::NoValue"}, "Code is missing"),
        ({"Fn::ImportValue": "x"}, "Code: Fn::ImportValue x cannot be resolved here"),
    ],
)
def test_code_that_is_not_here(code: object, message: str) -> None:
    assert problems_of(function_text({"Code": code})) == [message]


@pytest.mark.parametrize("value", ["", None, {"Ref": "AWS::NoValue"}, {"Fn::Sub": ""}])
@pytest.mark.parametrize("name", ["ApiId", "RouteKey", "Target"])
def test_what_is_required_of_a_route(name: str, value: object) -> None:
    route = {"Type": "AWS::ApiGatewayV2::Route", "Properties": {**API["Route"]["Properties"], name: value}}
    assert f"{name} is missing" in problems_of(text_of({"Route": route}))


REMOTE = "arn:aws:lambda:eu-west-1:111122223333:function:there"


def with_uri(uri: str) -> str:
    properties = {**API["Integration"]["Properties"], "IntegrationUri": uri}
    return text_of({"Integration": {"Type": "AWS::ApiGatewayV2::Integration", "Properties": properties}})


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        (REMOTE, LambdaTarget(FunctionName(REMOTE))),
        (f"{REMOTE}:None", LambdaTarget(FunctionName(REMOTE), "None")),
        (REMOTE.replace("there", "None"), LambdaTarget(FunctionName(REMOTE.replace("there", "None")))),
        (REMOTE.replace("there", "app-Function"), LambdaTarget(FunctionName("app-Function"))),
    ],
)
def test_functions_that_are_not_here_are_called_elsewhere(uri: str, target: LambdaTarget) -> None:
    options = LoadOptions(stack_name="app", region="us-east-1", remote_functions=True)
    (api,) = loaded(with_uri(uri), options).apis
    route = api.route(RouteKey("$default"))
    assert route is not None
    assert route.integration is not None
    assert route.integration.target == target


def test_without_a_place_elsewhere_the_hint_says_how_to_give_one() -> None:
    with pytest.raises(DefinitionError) as refused:
        loaded(with_uri(REMOTE))
    (problem,) = refused.value.problems
    assert problem.message == "function 'there' is not in this template"
    assert "--lambda-endpoint-url" in problem.hint


def test_made_up_api_keys_are_the_same_in_every_run_and_differ() -> None:
    ref = [{"ApiId": {"Ref": "Api"}, "Stage": "prod"}]
    resources: dict[str, Any] = {"Plan": {"Type": "AWS::ApiGateway::UsagePlan", "Properties": {"ApiStages": ref}}}
    for name in ("First", "Second"):
        entry = {"UsagePlanId": {"Ref": "Plan"}, "KeyId": {"Ref": name}, "KeyType": "API_KEY"}
        resources[name] = {"Type": "AWS::ApiGateway::ApiKey", "Properties": {"Enabled": True}}
        resources[f"{name}Entry"] = {"Type": "AWS::ApiGateway::UsagePlanKey", "Properties": entry}
    keys = loaded(text_of(resources)).api_keys
    assert keys == loaded(text_of(resources)).api_keys
    assert len({key.value for key in keys}) == 2
    assert all(len(key.value) == 40 and key.value.isalnum() for key in keys)
    other = loaded(text_of(resources), LoadOptions(stack_name="other", region="us-east-1")).api_keys
    assert {key.value for key in keys}.isdisjoint(key.value for key in other)


SECRETS = {
    "Plain": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "plain", "SecretString": "open"}},
    "Made": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "made", "GenerateSecretString": {}}},
    "Stored": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/a", "Type": "String", "Value": "b"}},
}


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("secretsmanager:plain", "open"),
        ("secretsmanager:plain:SecretString", "open"),
        ("secretsmanager:plain:SecretString:key", None),
        ("secretsmanager:made:SecretString", None),
        ("secretsmanager:other", None),
        ("ssm:/a", "b"),
        ("ssm-secure:/a:2", "b"),
        ("ssm:/b", None),
    ],
)
def test_dynamic_references(reference: str, value: str | None) -> None:
    text = function_text({"Environment": {"Variables": {"IT": f"<{{{{resolve:{reference}}}}}>"}}}, SECRETS)
    if value is None:
        assert problems_of(text) == [f"IT: {{{{resolve:{reference}}}}} is not in this template"]
    else:
        assert the_function(text).environment == {"IT": f"<{value}>"}


@pytest.mark.parity("P-402")
def test_limits_of_stage_variables() -> None:
    def stage(variables: dict[str, str]) -> str:
        properties = {**API["Stage"]["Properties"], "StageVariables": variables}
        return text_of({"Stage": {"Type": "AWS::ApiGatewayV2::Stage", "Properties": properties}})

    assert problems_of(stage({f"v{n}": "x" * 512 for n in range(100)})) == []
    assert problems_of(stage({f"v{n}": "x" for n in range(101)})) == ["a stage has at most 100 variables, not 101"]
    assert problems_of(stage({"long": "x" * 513})) == ["stage variable long is longer than 512 characters"]


def test_circles_are_found_through_names_and_through_needs() -> None:
    named = {
        "A": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::GetAtt": ["B", "QueueName"]}}},
        "B": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${A.QueueName}-b"}}},
    }
    assert any(
        message.startswith("Circular dependency between resources: [") for message in problems_of(text_of(named))
    )
    needed = {"A": {"Type": "AWS::SQS::Queue", "DependsOn": ["B"]}, "B": {"Type": "AWS::SQS::Queue", "DependsOn": "A"}}
    assert any(
        message.startswith("Circular dependency between resources: [") for message in problems_of(text_of(needed))
    )
    itself = {"A": {"Type": "AWS::SQS::Queue", "Properties": {"Tags": [{"Ref": "A"}]}}}
    assert loaded(text_of(itself)).resources != ()


def test_a_long_chain_of_names_is_a_problem_and_no_crash() -> None:
    queues = {
        f"Q{n}": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::GetAtt": [f"Q{n + 1}", "QueueName"]}}}
        for n in range(900)
    }
    last = {"Q900": {"Type": "AWS::SQS::Queue"}}
    assert problems_of(text_of(queues | last)) == ["the template refers to itself too deeply"]


names = st.sampled_from([
    "Api", "Auth", "CodeUri", "Condition", "Environment", "Events", "Fn::FindInMap", "Fn::GetAtt", "Fn::If", "Fn::Join",
    "Fn::Sub", "Function", "FunctionArn", "Layers", "Name", "Properties", "Ref", "Routes", "Type", "Variables",
])  # fmt: skip
scalars = (
    st.none() | st.booleans() | st.integers(-3, 3) | names | st.sampled_from(["${Api}", "AWS::NoValue", "", "$default"])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=10
)
types = st.sampled_from([
    "AWS::ApiGateway::ApiKey", "AWS::ApiGateway::UsagePlan", "AWS::ApiGateway::UsagePlanKey",
    "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::ApiMapping", "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::DomainName", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::IntegrationResponse",
    "AWS::ApiGatewayV2::Model", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::RouteResponse",
    "AWS::ApiGatewayV2::Stage",
    "AWS::DynamoDB::Table", "AWS::Lambda::Alias", "AWS::Lambda::Function", "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Version", "AWS::SQS::Queue", "AWS::SSM::Parameter", "AWS::Serverless::Function",
    "AWS::Serverless::HttpApi", "AWS::Serverless::LayerVersion", "AWS::Serverless::WebSocketApi",
])  # fmt: skip
property_names = st.sampled_from([
    "AccessLogSettings", "ApiId", "ApiKeyRequired", "ApiStages", "AuthorizationType", "AuthorizerId", "AuthorizerUri",
    "Code", "CodeUri", "DefaultRouteSettings", "DomainName", "Environment", "Events", "FunctionName", "Handler",
    "IdentitySource", "IntegrationId", "IntegrationMethod", "IntegrationResponseKey", "IntegrationType",
    "IntegrationUri", "KeyId", "Layers", "ModelSelectionExpression", "Name", "ProtocolType", "QueueName", "Quota",
    "RequestModels", "RequestParameters", "RequestTemplates", "ResponseParameters", "ResponseTemplates", "RouteId",
    "RouteKey", "RouteSelectionExpression", "RouteSettings", "Routes", "Runtime", "Schema", "Stage", "StageName",
    "StageVariables", "Target", "TemplateSelectionExpression", "Throttle", "Timeout", "UsagePlanId", "Value",
])  # fmt: skip
resources = st.dictionaries(
    st.sampled_from(["Api", "Function", "Route", "Integration", "Stage", "Extra"]),
    st.fixed_dictionaries({"Type": types, "Properties": st.dictionaries(property_names, values, max_size=5)}) | values,
    max_size=5,
)
sections = st.fixed_dictionaries(
    {"Resources": resources},
    optional={
        "Transform": st.just("AWS::Serverless-2016-10-31"),
        "Parameters": st.dictionaries(names, values, max_size=2),
        "Conditions": st.dictionaries(names, values, max_size=2),
        "Mappings": values,
        "Globals": st.dictionaries(
            st.just("Function"), st.dictionaries(property_names, values, max_size=2), max_size=1
        ),
    },
)


WORKING = [name for name in sorted(path.name for path in INPUTS.iterdir()) if not name.startswith("error_")]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container within ``value`` with each of its keys or indexes."""
    for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(item, dict | list):
            yield from places(item)


def judged(text: str) -> None:
    """Refused with problems, or loaded so that it can be served."""
    try:
        Directory(load(text, path="t.json", options=OPTIONS))
    except DefinitionError as error:
        assert error.problems
        assert all(problem.message for problem in error.problems)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(sections)
def test_any_template_loads_or_is_refused(template: dict[str, Any]) -> None:
    judged(json.dumps(template))


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(resources)
def test_any_change_of_a_working_template_loads_or_is_refused(changes: dict[str, Any]) -> None:
    judged(text_of(changes))


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_any_damage_to_a_real_template_loads_or_is_refused(data: st.DataObject) -> None:
    document = parse((INPUTS / data.draw(st.sampled_from(WORKING))).read_text(encoding="utf-8"), "t.yaml")
    assert isinstance(document, Document)
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(list(places(document.content))))
        container[key] = data.draw(values)
    judged(json.dumps(document.content))


@given(st.text(max_size=60))
def test_any_text_loads_or_is_refused(text: str) -> None:
    judged(text)
