from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from gateway.emulation.one_at_a_time import OneAtATime
from served_aws import Served

DEADLINE_S = 10.0


def test_a_request_waits_for_the_one_before_it() -> None:
    inside, go_on = threading.Event(), threading.Event()
    order: list[str] = []

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        order.append(f"in {environ['n']}")
        inside.set()
        go_on.wait(DEADLINE_S)
        order.append(f"out {environ['n']}")
        yield b"x"

    def ask(number: int) -> list[bytes]:
        return list(serial({"n": number}, lambda *args: None))

    serial = OneAtATime(application)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(ask, 1)
        assert inside.wait(DEADLINE_S)
        second = threads.submit(ask, 2)
        go_on.set()
        assert first.result(DEADLINE_S) == second.result(DEADLINE_S) == [b"x"]
    assert order == ["in 1", "out 1", "in 2", "out 2"]


def test_of_conditional_writes_that_race_one_wins(aws: Served) -> None:
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName="races",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def claim(item: str) -> bool:
        try:
            dynamodb.update_item(
                TableName="races",
                Key={"id": {"S": item}},
                UpdateExpression="SET taken = :t",
                ConditionExpression="attribute_not_exists(taken)",
                ExpressionAttributeValues={":t": {"BOOL": True}},
            )
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ConditionalCheckFailedException"
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        for number in range(20):
            assert sum(threads.map(claim, [str(number)] * 4)) == 1
