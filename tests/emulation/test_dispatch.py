"""Requests as handlers send them that hard-code AWS's host names, or sign in the query, or not at all."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.request
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from served_aws import Served

DEADLINE_S = 30.0
US = "us-east-1"


class Line:
    """One connection to a port, on which any host name may be asked for."""

    def __init__(self, aws: Served, tls: bool) -> None:
        if tls:
            context = ssl.create_default_context(cafile=str(aws.ca))
            self._http: http.client.HTTPConnection = http.client.HTTPSConnection(
                "localhost", aws.tls_port, context=context, timeout=DEADLINE_S
            )
        else:
            self._http = http.client.HTTPConnection("127.0.0.1", aws.port, timeout=DEADLINE_S)

    def ask(
        self, service: str, host: str, path: str, headers: dict[str, str], body: bytes = b"", method: str = "POST"
    ) -> Any:
        request = AWSRequest(method, f"https://{host}{path}", headers={"Host": host, **headers}, data=body)
        SigV4Auth(Credentials("test", "test"), service, US).add_auth(request)
        return self.send(method, path, body, dict(request.headers))

    def send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Any:
        self._http.request(method, path, body=body, headers=headers)
        response = self._http.getresponse()
        return response.status, response.read()

    def close(self) -> None:
        self._http.close()


@pytest.fixture(params=["plain", "tls"])
def line(request: pytest.FixtureRequest, aws: Served) -> Any:
    made = Line(aws, request.param == "tls")
    yield made
    made.close()


def test_several_services_are_told_apart_on_one_connection(line: Line) -> None:
    json_1_0 = {"Content-Type": "application/x-amz-json-1.0"}
    name = f"dispatch-{uuid4().hex[:8]}"
    status, body = line.ask(
        "sqs",
        f"sqs.{US}.amazonaws.com",
        "/",
        {**json_1_0, "X-Amz-Target": "AmazonSQS.CreateQueue"},
        json.dumps({"QueueName": name}).encode(),
    )
    assert (status, json.loads(body)["QueueUrl"].rpartition("/")[2]) == (200, name)
    status, body = line.ask(
        "dynamodb",
        f"dynamodb.{US}.amazonaws.com",
        "/",
        {**json_1_0, "X-Amz-Target": "DynamoDB_20120810.ListTables"},
        b"{}",
    )
    assert (status, "TableNames" in json.loads(body)) == (200, True)
    query = urlencode({"Action": "ListTopics", "Version": "2010-03-31"}).encode()
    status, body = line.ask(
        "sns", f"sns.{US}.amazonaws.com", "/", {"Content-Type": "application/x-www-form-urlencoded"}, query
    )
    assert (status, b"ListTopicsResult" in body) == (200, True)


def test_buckets_by_path_and_by_host_name_are_the_same(line: Line) -> None:
    bucket = f"bucket-{uuid4().hex[:8]}"
    host = f"{bucket}.s3.{US}.amazonaws.com"
    assert line.ask("s3", f"s3.{US}.amazonaws.com", f"/{bucket}", {}, method="PUT")[0] == 200
    assert line.ask("s3", host, "/folder/key.txt", {}, b"content", method="PUT")[0] == 200
    assert line.ask("s3", host, "/folder/key.txt", {}, method="GET") == (200, b"content")
    path = f"/{bucket}/folder/key.txt"
    assert line.ask("s3", f"s3.{US}.amazonaws.com", path, {}, method="GET") == (200, b"content")
    assert line.ask("s3", f"{bucket}.s3.amazonaws.com", "/folder/key.txt", {}, method="GET") == (200, b"content")


def test_an_unsigned_request_goes_by_its_host_name(line: Line) -> None:
    query = urlencode({"Action": "ListTopics", "Version": "2010-03-31"}).encode()
    headers = {"Host": f"sns.{US}.amazonaws.com", "Content-Type": "application/x-www-form-urlencoded"}
    status, body = line.send("POST", "/", query, headers)
    assert (status, b"ListTopicsResult" in body) == (200, True)


def test_a_presigned_url_goes_by_the_scope_in_its_query(aws: Served) -> None:
    made: Any = boto3.client("sts", region_name=US, aws_access_key_id="test", aws_secret_access_key="test")
    url = made.generate_presigned_url("get_caller_identity", HttpMethod="GET")
    made.close()
    path = url.partition("amazonaws.com")[2]
    request = urllib.request.Request(f"{aws.endpoint.url}{path}", headers={"Host": f"sts.{US}.amazonaws.com"})
    with urllib.request.urlopen(request, timeout=DEADLINE_S) as response:
        assert b"<Account>999988887777</Account>" in response.read()


def test_a_presigned_object_is_served(aws: Served) -> None:
    s3, bucket = aws.client("s3"), f"presigned-{uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket=bucket, Key="k", Body=b"content")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    with urllib.request.urlopen(url, timeout=DEADLINE_S) as response:
        assert response.read() == b"content"


def test_a_queue_is_found_by_the_url_a_template_gives_it(aws: Served) -> None:
    sqs, name = aws.client("sqs"), f"by-url-{uuid4().hex[:8]}"
    sqs.create_queue(QueueName=name)
    url = f"https://sqs.eu-central-1.amazonaws.com/999988887777/{name}"
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "hello"
