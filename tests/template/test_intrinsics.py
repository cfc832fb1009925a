from __future__ import annotations

from typing import Any

import pytest

from gateway.template.declared import Declared
from gateway.template.facts import facts_of
from gateway.template.identities import identify
from gateway.template.intrinsics import NO_VALUE, Resolver, Scope
from gateway.template.options import LoadOptions
from gateway.template.unresolvable import Unresolvable

NO_VALUE_REF = {"Ref": "AWS::NoValue"}


def resolver(**conditions: Any) -> Resolver:
    scope = Scope(
        parameters={"Name": "ada", "List": ["a", "b"]},
        valueless=frozenset({"Missing"}),
        mappings={"Map": {"one": {"two": ["x"]}}},
        conditions={"Yes": {"Fn::Equals": [1, "1"]}, **conditions},
        resources={
            "Url": Declared("Url", "AWS::Lambda::Url", {"TargetFunctionArn": {"Ref": "Fn"}}),
            "Fn": Declared("Fn", "AWS::Lambda::Function", {"FunctionName": {"Fn::Sub": "${Name}-fn"}}),
            "Bus": Declared("Bus", "AWS::Events::EventBus", {"Name": {"Ref": "Bus"}}),
        },
        facts=facts_of(LoadOptions(stack_name="s", region="eu-west-1")),
    )
    return Resolver(scope, identify)


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ({"Ref": "Name"}, "ada"),
        ({"Ref": "List"}, ["a", "b"]),
        ({"Ref": "AWS::NotificationARNs"}, []),
        ({"Fn::Sub": "${List}"}, "a,b"),
        ({"Fn::Sub": "${!Name} ${ Name } $Name"}, "${Name} ada $Name"),
        ({"Fn::Sub": ["${Name}", {"Name": {"Ref": "List"}}]}, "a,b"),
        ({"Fn::Select": [0, {"Fn::FindInMap": ["Map", "one", {"Fn::Join": ["", ["t", "wo"]]}]}]}, "x"),
        ({"Fn::FindInMap": ["Nothing", "one", "two", {"DefaultValue": {"Ref": "Name"}}]}, "ada"),
        ({"Fn::If": ["Yes", "a", {"Ref": "Unknown"}]}, "a"),
        ({"Fn::If": ["Yes", NO_VALUE_REF, "b"]}, NO_VALUE),
        ([1, NO_VALUE_REF, {"a": NO_VALUE_REF, "b": None}], [1, {"b": None}]),
        ({"Condition": "Yes"}, {"Condition": "Yes"}),
        ({"Ref": "Fn"}, "ada-fn"),
        ({"Fn::GetAtt": ["Fn", {"Fn::Sub": "Arn"}]}, "arn:aws:lambda:eu-west-1:123456789012:function:ada-fn"),
        ({"Fn::GetAtt": "Url.FunctionArn"}, "arn:aws:lambda:eu-west-1:123456789012:function:ada-fn"),
    ],
)
def test_values(value: object, result: object) -> None:
    assert resolver().resolve(value) == result


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Unknown"},
        {"Ref": "Bus"},
        {"Ref": ["Name"]},
        {"Fn::Join": NO_VALUE_REF},
        {"Fn::Sub": "${AWS::NoValue}"},
        {"Fn::Sub": ["${a}", "text"]},
        {"Fn::Sub": "${Unknown.Arn}"},
        {"Fn::FindInMap": ["Map", "one"]},
        {"Fn::FindInMap": ["Map", ["one"], "two"]},
        {"Fn::FindInMap": ["Map", "one", "three"]},
        {"Fn::If": ["Never", "a", "b"]},
        {"Fn::If": [["Yes"], "a", "b"]},
        {"Fn::GetAtt": ["Fn"]},
        {"Fn::Unheard": "a"},
        {"Fn::Transform": {"Name": "a"}, "other": "b"},
    ],
)
def test_refusals(value: object) -> None:
    with pytest.raises(Unresolvable) as refusal:
        resolver().resolve(value)
    assert not refusal.value.reported


def test_a_parameter_without_a_value_has_been_reported() -> None:
    with pytest.raises(Unresolvable) as refusal:
        resolver().resolve({"Fn::Sub": "${Missing}"})
    assert refusal.value.reported


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        (True, True),
        ({"Condition": "Yes"}, True),
        ({"Fn::Equals": [["a"], {"Fn::Split": [",", "a"]}]}, True),
        ({"Fn::Equals": [True, "true"]}, True),
        ({"Fn::Not": [{"Condition": "Yes"}]}, False),
        ({"Fn::And": [{"Condition": "Yes"}, {"Fn::Equals": ["a", "b"]}]}, False),
        ({"Fn::Or": [{"Fn::Equals": ["a", "b"]}, {"Condition": "Yes"}]}, True),
    ],
)
def test_conditions(expression: object, result: bool) -> None:
    assert resolver(It=expression).condition("It") is result


@pytest.mark.parametrize(
    "expression",
    [
        "true",
        {"Fn::Or": [True]},
        {"Fn::Not": [True, False]},
        {"Fn::Equals": ["a"]},
        {"Fn::Equals": [None, "a"]},
        {"Condition": "It"},
        {"Fn::Equals": ["a", "a"], "Fn::Not": [True]},
    ],
)
def test_no_condition(expression: object) -> None:
    with pytest.raises(Unresolvable):
        resolver(It=expression).condition("It")
