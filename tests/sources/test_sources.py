"""Sources begun, exchanged and ended."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from gateway.model.aws import AwsEndpoint
from gateway.model.invocation import Returned
from lambda_doubles import ScriptedFunctions
from moto_server import moto_url as moto_url
from source_doubles import REGION, Cloud, bodies, of_queue, of_table, reading

DONE = Returned(b"null")


@pytest.fixture(scope="module")
def cloud(moto_url: str) -> Cloud:
    return Cloud(moto_url)


async def test_sources_are_exchanged_while_others_read_on(cloud: Cloud) -> None:
    first, second = cloud.queue(), cloud.queue()
    functions = ScriptedFunctions(old=DONE, new=DONE, other=DONE)
    other = of_queue(second, "other")
    async with reading(cloud.endpoint, functions, of_queue(first, "old"), other) as (sources, _):
        cloud.sqs.send_message(QueueUrl=first, MessageBody="1")
        await functions.until(lambda: len(functions.calls) == 1)
        await cloud.until_empty(first)
        await sources.replace([other])
        await sources.replace([of_queue(first, "new"), other])
        cloud.sqs.send_message(QueueUrl=second, MessageBody="2")
        await functions.until(lambda: len(functions.calls) == 2)
        await cloud.until_empty(second)
        cloud.sqs.send_message(QueueUrl=first, MessageBody="3")
        await functions.until(lambda: len(functions.calls) == 3)
        await cloud.until_empty(first)
    assert [call.function_name for call in functions.calls] == ["old", "other", "new"]


async def test_a_call_tells_where_it_comes_from_and_which_version_it_is_for(cloud: Cloud) -> None:
    url, functions = cloud.queue(), ScriptedFunctions(aliases=["live"], f=DONE)
    cloud.sqs.send_message(QueueUrl=url, MessageBody="1")
    async with reading(cloud.endpoint, functions, of_queue(url, qualifier="live")):
        await functions.until(lambda: len(functions.calls) == 1)
    [call] = functions.calls
    assert (call.qualifier, call.request_tag) == ("live", url.rpartition("/")[2])
    assert call.trace_id.startswith("Root=1-")


async def test_one_that_is_not_enabled_is_not_read(cloud: Cloud) -> None:
    off, on, functions = cloud.queue(), cloud.queue(), ScriptedFunctions(f=DONE)
    for url in (off, on):
        cloud.sqs.send_message(QueueUrl=url, MessageBody=url)
    async with reading(cloud.endpoint, functions, of_queue(off, enabled=False), of_queue(on)):
        await functions.until(lambda: len(functions.calls) == 1)
        await cloud.until_empty(on)
    assert bodies(functions.calls) == [[on]]


async def test_it_ends_within_a_second_also_in_the_middle_of_everything(cloud: Cloud) -> None:
    busy, idle, functions = cloud.queue(), cloud.queue(), ScriptedFunctions(f=DONE)
    functions.gate.clear()
    cloud.sqs.send_message(QueueUrl=busy, MessageBody="1")
    async with reading(cloud.endpoint, functions, of_queue(busy), of_queue(idle), of_table(cloud.table())) as (
        sources,
        _,
    ):
        await functions.until(lambda: functions.running["f"] == 1)
        began = time.monotonic()
        await sources.close()
        assert time.monotonic() - began < 1
        assert functions.running["f"] == 0


async def test_nobody_at_the_endpoint_is_one_line_for_all() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    everything = of_queue("q-a"), of_queue("q-b"), of_table("t-c")
    async with reading(AwsEndpoint(url, REGION), ScriptedFunctions(f=DONE), *everything) as (sources, told):
        await told.until(lambda: len(told.warnings) == 1)
        later = of_table("t-d")
        async with asyncio.timeout(5):
            await sources.replace([*everything, later])
    [line] = told.warnings
    assert line.startswith(f"queues and streams cannot be read at {url}, trying on: EndpointConnectionError")


async def test_a_stopped_reader_gives_back_what_its_last_look_brings(cloud: Cloud) -> None:
    url, functions = cloud.queue(), ScriptedFunctions(old=DONE, new=DONE)
    async with reading(cloud.endpoint, functions, of_queue(url, "old")) as (sources, _):
        cloud.sqs.send_message(QueueUrl=url, MessageBody="1")
        await functions.until(lambda: len(functions.calls) == 1)
        await cloud.until_empty(url)
        await sources.replace([])
        cloud.sqs.send_message(QueueUrl=url, MessageBody="2")
        await sources.replace([of_queue(url, "new")])
        await functions.until(lambda: len(functions.calls) == 2)
        await cloud.until_empty(url)
    assert [call.function_name for call in functions.calls] == ["old", "new"]
