"""Messages of a real queue at moto, handed to a scripted function."""

from __future__ import annotations

import hashlib
import json

import pytest

from gateway.model.invocation import FunctionError, Returned, Unavailable
from gateway.ports import FunctionCall
from lambda_doubles import ScriptedFunctions
from moto_server import moto_url as moto_url
from source_doubles import Cloud, bodies, fresh, of_queue, reading, records

DONE = Returned(b"null")


@pytest.fixture(scope="module")
def cloud(moto_url: str) -> Cloud:
    return Cloud(moto_url)


async def test_the_event_is_lambdas_and_the_message_is_deleted(cloud: Cloud) -> None:
    url, functions = cloud.queue(), ScriptedFunctions(f=DONE)
    given = {
        "who": {"DataType": "String", "StringValue": "é"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    sent = cloud.sqs.send_message(QueueUrl=url, MessageBody="hällo", MessageAttributes=given)
    source = of_queue(url)
    async with reading(cloud.endpoint, functions, source):
        await functions.until(lambda: len(functions.calls) == 1)
        await cloud.until_empty(url)
    [record] = records(functions.calls[0])
    assert record.pop("receiptHandle")
    attributes = record.pop("attributes")
    assert {"ApproximateReceiveCount", "SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"} <= {*attributes}
    assert attributes["ApproximateReceiveCount"] == "1"
    assert record.pop("md5OfMessageAttributes") == sent["MD5OfMessageAttributes"]
    empty: dict[str, list[str]] = {"stringListValues": [], "binaryListValues": []}
    assert record == {
        "messageId": sent["MessageId"],
        "body": "hällo",
        "messageAttributes": {
            "who": {**empty, "dataType": "String", "stringValue": "é"},
            "raw": {**empty, "dataType": "Binary", "binaryValue": "AP8="},
        },
        "md5OfBody": hashlib.md5("hällo".encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": source.source_arn,
        "awsRegion": "eu-west-1",
    }


async def test_what_failed_comes_again_and_what_succeeded_does_not(cloud: Cloud) -> None:
    url = cloud.queue(VisibilityTimeout="1")

    def second_fails(call: FunctionCall) -> Returned:
        failed = [record["messageId"] for record in records(call) if record["body"] == "2"]
        return Returned(json.dumps({"batchItemFailures": [{"itemIdentifier": each} for each in failed]}).encode())

    functions = ScriptedFunctions(f=[FunctionError(b"{}"), second_fails, DONE])
    entries = [{"Id": body, "MessageBody": body} for body in "123"]
    cloud.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    async with reading(cloud.endpoint, functions, of_queue(url, reports_batch_item_failures=True)) as (_, told):
        await functions.until(lambda: len(functions.calls) == 3)
        await cloud.until_empty(url)
    assert [sorted(each) for each in bodies(functions.calls)] == [["1", "2", "3"], ["1", "2", "3"], ["2"]]
    assert told.warnings == []


async def test_a_fifo_queue_has_one_batch_under_way_and_keeps_its_order(cloud: Cloud) -> None:
    url, functions = cloud.queue(FifoQueue="true", ContentBasedDeduplication="true"), ScriptedFunctions(f=DONE)
    functions.gate.clear()
    for number in range(6):
        cloud.sqs.send_message(QueueUrl=url, MessageBody=str(number), MessageGroupId=str(number % 2))
    async with reading(cloud.endpoint, functions, of_queue(url, batch_size=2)):
        await functions.until(lambda: functions.running["f"] == 1)
        functions.gate.set()
        await functions.until(lambda: sum(map(len, bodies(functions.calls))) == 6)
        await cloud.until_empty(url)
    assert functions.most_running["f"] == 1
    seen = [body for each in bodies(functions.calls) for body in each]
    assert [body for body in seen if int(body) % 2] == ["1", "3", "5"]
    assert [body for body in seen if int(body) % 2 == 0] == ["0", "2", "4"]
    assert records(functions.calls[0])[0]["attributes"]["MessageGroupId"] in "01"


async def test_a_standard_queue_has_several_but_not_any_number(cloud: Cloud) -> None:
    url, functions = cloud.queue(), ScriptedFunctions(f=DONE)
    functions.gate.clear()
    for number in range(8):
        cloud.sqs.send_message(QueueUrl=url, MessageBody=str(number))
    async with reading(cloud.endpoint, functions, of_queue(url, batch_size=1)):
        await functions.until(lambda: functions.running["f"] == 5)
        functions.gate.set()
        await functions.until(lambda: len(functions.calls) == 8)
        await cloud.until_empty(url)
    assert functions.most_running["f"] == 5


async def test_a_function_that_cannot_be_called_is_told_and_the_messages_stay(cloud: Cloud) -> None:
    url, functions = cloud.queue(VisibilityTimeout="1"), ScriptedFunctions(f=[Unavailable("not ready"), DONE])
    cloud.sqs.send_message(QueueUrl=url, MessageBody="kept")
    async with reading(cloud.endpoint, functions, of_queue(url)) as (_, told):
        await functions.until(lambda: len(functions.calls) == 2)
        await cloud.until_empty(url)
    name = url.rpartition("/")[2]
    assert told.warnings == [f"f did not get 1 messages of {name}, they stay: not ready"]


async def test_a_queue_that_is_not_there_is_told_once_and_read_when_it_is(cloud: Cloud) -> None:
    name, functions = fresh({}), ScriptedFunctions(f=DONE)
    async with reading(cloud.endpoint, functions, of_queue(name)) as (_, told):
        await told.until(lambda: len(told.warnings) == 1)
        url = cloud.sqs.create_queue(QueueName=name)["QueueUrl"]
        cloud.sqs.send_message(QueueUrl=url, MessageBody="late")
        await functions.until(lambda: len(functions.calls) == 1)
    [line] = told.warnings
    assert line.startswith(f"queue {name} cannot be read, trying on: ")
