"""Actions by protocol, against the SDK's own descriptions: what each becomes, and that nothing but ValueError comes."""

from __future__ import annotations

import json
from functools import cache
from urllib.parse import parse_qsl

import pytest
from botocore.model import OperationModel
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.backend import Pairs, ServiceRequest
from gateway.model.integration import ServiceTarget
from gateway.upstream.actions import FORM, JSON, action_draft
from gateway.upstream.descriptions import Descriptions
from gateway.upstream.draft import Draft

FORM_HEADERS = (("content-type", f"{FORM}; charset=utf-8"),)
DESCRIPTIONS = Descriptions()


@cache
def operation(service: str, action: str) -> OperationModel:
    found = DESCRIPTIONS.find(ServiceTarget("", service, action=action), "us-east-1").operation
    assert found is not None
    return found


def draft(
    service: str, action: str, body: bytes = b"", headers: Pairs = (), query: Pairs = (), method: str = "POST"
) -> Draft:
    target = ServiceTarget("", service, action=action)
    return action_draft(ServiceRequest(target, method, headers, query, body), operation(service, action))


@pytest.mark.parametrize(
    ("service", "action", "version", "target"),
    [
        ("dynamodb", "PutItem", "1.0", "DynamoDB_20120810.PutItem"),
        ("states", "StartExecution", "1.0", "AWSStepFunctions.StartExecution"),
        ("events", "PutEvents", "1.1", "AWSEvents.PutEvents"),
        ("kinesis", "PutRecord", "1.1", "Kinesis_20131202.PutRecord"),
        ("sqs", "SendMessage", "1.0", "AmazonSQS.SendMessage"),
        ("monitoring", "PutMetricData", "1.0", "GraniteServiceVersion20100801.PutMetricData"),
    ],
)
def test_json_protocols(service: str, action: str, version: str, target: str) -> None:
    headers = (("Content-Type", "application/json"), ("x-amz-target", "Other.Thing"), ("X", "y"))
    assert draft(service, action, b'{"a":1}', headers) == Draft(
        "POST",
        headers=(("X", "y"), ("Content-Type", f"application/x-amz-json-{version}"), ("X-Amz-Target", target)),
        body=b'{"a":1}',
    )


def test_json_without_a_body_is_an_empty_object() -> None:
    assert draft("dynamodb", "ListTables").body == b"{}"


def parameters(made: Draft) -> list[tuple[str, str]]:
    """What the service is told, but for the one that asks for JSON, which comes last."""
    assert dict(made.headers)["Content-Type"] == FORM
    assert dict(made.headers)["Accept"] == JSON
    *told, wanted = parse_qsl(made.body.decode(), keep_blank_values=True)
    assert wanted == ("ContentType", "JSON")
    return told


PUBLISH = [("Action", "Publish"), ("Version", "2010-03-31")]


@pytest.mark.parametrize(
    ("body", "headers", "query", "expected"),
    [
        (b"", (), (), []),
        (b"not json", (), (), []),
        (b"[1]", (), (), []),
        (b"Message=a+b&Empty=", FORM_HEADERS, (), [("Message", "a b"), ("Empty", "")]),
        (b"Action=Other&Message=a", FORM_HEADERS, (), [("Message", "a")]),
        (b"Message=b", FORM_HEADERS, (("Message", "a"),), [("Message", "a")]),
        (b'{"Message": "b", "TargetArn": "t"}', (), (("Message", "a"),), [("Message", "a")]),
        (b'{"Message": "b", "Odd": [1], "A.b.1": "c"}', (), (), [("Message", "b"), ("Odd", "[1]"), ("A.b.1", "c")]),
        (b'{"Message": 7}', (), (), [("Message", "7")]),
        (
            b'{"MessageAttributes": {"n": {"DataType": "String", "StringValue": "x"}}, "Message": "m"}',
            (),
            (),
            [
                ("MessageAttributes.entry.1.Name", "n"),
                ("MessageAttributes.entry.1.Value.DataType", "String"),
                ("MessageAttributes.entry.1.Value.StringValue", "x"),
                ("Message", "m"),
            ],
        ),
    ],
)
def test_the_query_protocol(body: bytes, headers: Pairs, query: Pairs, expected: list[tuple[str, str]]) -> None:
    assert parameters(draft("sns", "Publish", body, headers, query)) == PUBLISH + expected


def test_a_mapped_version_wins() -> None:
    assert parameters(draft("sns", "Publish", b"Version=2001-01-01", FORM_HEADERS))[1] == ("Version", "2001-01-01")


def test_a_get_carries_its_parameters_in_the_url() -> None:
    made = draft("sqs", "ListQueues", query=(("QueueNamePrefix", "a b"),), method="GET")
    query = "Action=ListQueues&Version=2012-11-05&QueueNamePrefix=a%20b&ContentType=JSON"
    assert made == Draft("GET", query=query, headers=(("Accept", JSON),))


@pytest.mark.parametrize(
    ("headers", "body"),
    [((("accept", "text/xml"),), b"a=b"), ((), b"a=b&ContentType=XML")],
    ids=["header", "parameter"],
)
def test_whoever_maps_what_to_ask_for_gets_that(headers: Pairs, body: bytes) -> None:
    made = draft("sns", "Publish", body, (*headers, *FORM_HEADERS))
    assert b"JSON" not in made.body


def test_ec2_numbers_lists_its_own_way() -> None:
    made = draft("ec2", "DescribeRegions", b'{"RegionNames": ["a", "b"]}')
    assert parameters(made)[2:] == [("RegionName.1", "a"), ("RegionName.2", "b")]


def test_rest_members_go_where_they_are_bound() -> None:
    body = b'{"Bucket": "b", "Prefix": "x y", "MaxKeys": 3, "Unknown": 1}'
    made = draft("s3", "ListObjectsV2", body, query=(("odd", "1"),))
    assert (made.method, made.path, made.query, made.body) == (
        "GET", "/b", "list-type=2&prefix=x%20y&max-keys=3&odd=1", b""
    )  # fmt: skip


def test_rest_labels_may_be_mapped() -> None:
    made = draft("batch", "DescribeJobs", b'{"jobs": ["j"]}')
    assert (made.method, made.path, json.loads(made.body)) == ("POST", "/v1/describejobs", {"jobs": ["j"]})
    labelled = draft("s3", "GetObject", query=(("Bucket", "b"), ("Key", "a/b c"), ("versionId", "1")))
    assert (labelled.method, labelled.path, labelled.query) == ("GET", "/b/a/b%20c", "versionId=1")


def test_rest_body_that_is_no_object_goes_as_it_is() -> None:
    made = draft("s3", "PutObject", b"\x00raw", query=(("Bucket", "b"), ("Key", "k")))
    assert (made.method, made.path, made.body) == ("PUT", "/b/k", b"\x00raw")


@pytest.mark.parametrize("body", [b'{"Bucket": 7, "Key": "k"}', b'{"Key": "k"}', b"", b'{"Bucket": "b", "Key": ""}'])
def test_rest_without_what_it_needs(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^PutObject: ") as refused:
        draft("s3", "PutObject", body)
    assert "\n" not in str(refused.value)


ACTIONS = [
    ("sns", "Publish"),
    ("s3", "PutObject"),
    ("dynamodb", "PutItem"),
    ("ec2", "RunInstances"),
    ("batch", "SubmitJob"),
]
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
@settings(deadline=None)  # the first of a service reads its description
def test_whatever_a_client_sends_is_a_request_or_refused(data: st.DataObject) -> None:
    service, action = data.draw(st.sampled_from(ACTIONS))
    shape = operation(service, action).input_shape
    assert shape is not None
    names = st.sampled_from(sorted(shape.members)) | st.text(max_size=5)
    document = st.dictionaries(names, DOCUMENTS, max_size=4).map(lambda found: json.dumps(found).encode())
    body = data.draw(document | st.binary(max_size=40))
    headers = data.draw(st.sampled_from([(), FORM_HEADERS]))
    query = data.draw(st.lists(st.tuples(names, st.text(max_size=5)), max_size=2).map(tuple))
    try:
        made = draft(service, action, body, headers, query)
    except ValueError:
        return
    assert made.path.startswith("/") and isinstance(made.body, bytes)
