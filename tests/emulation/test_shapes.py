from __future__ import annotations

from typing import Any

import pytest

from gateway.emulation.shapes import attributes, fitted, truth
from served_aws import Served


@pytest.fixture(scope="module")
def dynamodb(aws: Served) -> Any:
    return aws.client("dynamodb")


def test_strings_become_what_the_operation_wants(dynamodb: Any) -> None:
    values = {
        "TableName": 7,
        "DeletionProtectionEnabled": "true",
        "ProvisionedThroughput": {"ReadCapacityUnits": "5", "WriteCapacityUnits": 6.0},
        "Tags": [{"Key": "k", "Value": True}],
    }
    assert fitted(dynamodb, "CreateTable", values) == {
        "TableName": "7",
        "DeletionProtectionEnabled": True,
        "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
        "Tags": [{"Key": "k", "Value": "true"}],
    }


def test_what_the_operation_does_not_know_is_left_out_at_any_depth(dynamodb: Any) -> None:
    values = {"TableName": "t", "Invented": 1, "GlobalSecondaryIndexes": [{"IndexName": "i", "Invented": 1}]}
    assert fitted(dynamodb, "CreateTable", values) == {
        "TableName": "t",
        "GlobalSecondaryIndexes": [{"IndexName": "i"}],
    }


def test_what_cannot_be_repaired_is_left_for_aws_to_refuse(dynamodb: Any) -> None:
    values = {"KeySchema": "text", "ProvisionedThroughput": {"ReadCapacityUnits": "many"}}
    assert fitted(dynamodb, "CreateTable", values) == values


def test_attributes_are_strings_and_documents_json() -> None:
    assert attributes({"a": 1, "b": True, "c": "x", "d": {"e": [1]}, "f": None, "g": ["h"]}) == {
        "a": "1",
        "b": "true",
        "c": "x",
        "d": '{"e": [1]}',
        "g": '["h"]',
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, True), ("true", True), ("True", True), (False, False), ("false", False), (None, False)],
)
def test_booleans_of_a_template(value: Any, expected: bool) -> None:
    assert truth(value) is expected
