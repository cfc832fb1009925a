"""Changes of a real table at moto, handed to a scripted function."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.model.event_source import StartingPosition
from gateway.model.invocation import FunctionError, Returned, Throttled
from gateway.ports import FunctionCall
from gateway.sources.stream import stream_record
from lambda_doubles import ScriptedFunctions
from moto_server import moto_url as moto_url
from source_doubles import Cloud, fresh, keys, of_table, reading, records

DONE = Returned(b"null")
FAILED = FunctionError(b"{}")


@pytest.fixture(scope="module")
def cloud(moto_url: str) -> Cloud:
    return Cloud(moto_url)


async def test_the_event_is_lambdas(cloud: Cloud) -> None:
    table, functions = cloud.table(), ScriptedFunctions(f=DONE)
    source = of_table(table)
    async with reading(cloud.endpoint, functions, source):
        key = {"id": {"S": "a"}}
        cloud.dynamodb.put_item(TableName=table, Item={**key, "n": {"N": "1"}})
        cloud.dynamodb.delete_item(TableName=table, Key=key)
        await functions.until(lambda: sum(map(len, keys(functions.calls))) == 2)
    made, gone = [record for call in functions.calls for record in records(call)]
    assert (made["eventName"], gone["eventName"]) == ("INSERT", "REMOVE")
    assert made["eventSource"] == "aws:dynamodb"
    assert made["eventSourceARN"] == source.source_arn
    assert made["awsRegion"] == "eu-west-1"
    assert made["eventID"] != gone["eventID"]
    assert made["dynamodb"]["Keys"] == key
    assert made["dynamodb"]["NewImage"] == {**key, "n": {"N": "1"}}
    assert gone["dynamodb"]["OldImage"] == {**key, "n": {"N": "1"}}
    assert made["dynamodb"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert made["dynamodb"]["SequenceNumber"] < gone["dynamodb"]["SequenceNumber"]
    assert isinstance(made["dynamodb"]["ApproximateCreationDateTime"], int)


@pytest.mark.parametrize(
    ("position", "seen"),
    [(StartingPosition.LATEST, ["later"]), (StartingPosition.TRIM_HORIZON, ["before", "later"])],
)
async def test_where_it_begins(cloud: Cloud, position: StartingPosition, seen: list[str]) -> None:
    table, functions = cloud.table(), ScriptedFunctions(f=DONE)
    cloud.put(table, "before")
    async with reading(cloud.endpoint, functions, of_table(table, starting_position=position)):
        cloud.put(table, "later")
        await functions.until(lambda: sum(map(len, keys(functions.calls))) >= len(seen))
    assert [key for call in keys(functions.calls) for key in call] == seen


async def test_a_batch_is_tried_again_from_the_first_that_failed_and_nothing_overtakes_it(cloud: Cloud) -> None:
    table = cloud.table()
    cloud.put(table, *"abc")

    def fails_at_b(call: FunctionCall) -> Returned:
        number = records(call)[1]["dynamodb"]["SequenceNumber"]
        return Returned(json.dumps({"batchItemFailures": [{"itemIdentifier": number}]}).encode())

    functions = ScriptedFunctions(f=[Throttled(), fails_at_b, DONE])
    position = StartingPosition.TRIM_HORIZON
    source = of_table(table, batch_size=2, starting_position=position, reports_batch_item_failures=True)
    async with reading(cloud.endpoint, functions, source) as (_, told):
        await functions.until(lambda: len(functions.calls) == 4)
    assert keys(functions.calls) == [["a", "b"], ["a", "b"], ["b"], ["c"]]
    assert len(told.warnings) == 1
    assert told.warnings[0].startswith(f"f gets records of {table} later: Reserved")


@pytest.mark.parametrize("bound", [{"max_retries": 0}, {"max_age_s": 0}])
async def test_a_batch_is_given_up_at_its_bounds(cloud: Cloud, bound: dict[str, Any]) -> None:
    table, functions = cloud.table(), ScriptedFunctions(f=[FAILED, DONE])
    cloud.put(table, "bad", "good")
    source = of_table(table, batch_size=1, starting_position=StartingPosition.TRIM_HORIZON, **bound)
    async with reading(cloud.endpoint, functions, source) as (_, told):
        await functions.until(lambda: len(functions.calls) == 2)
    assert keys(functions.calls) == [["bad"], ["good"]]
    assert told.warnings == [f"1 records of table {table} are given up: the function failed (FunctionError)"]


async def test_a_table_without_a_stream_is_told(cloud: Cloud) -> None:
    table, functions = fresh({}), ScriptedFunctions(f=DONE)
    async with reading(cloud.endpoint, functions, of_table(table)) as (_, told):
        await told.until(lambda: len(told.warnings) == 1)
    assert f"the stream of table {table} cannot be read, trying on: it has none" in told.warnings[0]


def test_values_that_json_does_not_know() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    changed = {"ApproximateCreationDateTime": at, "NewImage": {"b": {"B": b"\xff"}, "l": {"BS": [b"a"]}}}
    who = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    given = {"eventID": "1", "eventName": "REMOVE", "dynamodb": changed, "userIdentity": who}
    record = stream_record(of_table("t"), given)
    assert record["dynamodb"] == {
        "ApproximateCreationDateTime": int(at.timestamp()),
        "NewImage": {"b": {"B": "/w=="}, "l": {"BS": ["YQ=="]}},
    }
    assert record["userIdentity"] == {"principalId": "dynamodb.amazonaws.com", "type": "Service"}
    assert record["eventVersion"] == "1.1"
