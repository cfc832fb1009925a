"""The program as a program: both ports, one state, what it says and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from gateway.emulation.options import TOLD
from served_aws import Served

DEADLINE_S = 30.0


@contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "gateway.emulation.server", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_whoever_is_told_nothing_ends_without_a_word() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "gateway.emulation.server", "--certificate-later"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, TOLD: str(reading)},
        pass_fds=(reading,),
        timeout=DEADLINE_S,
    )
    os.close(reading)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def test_both_ports_show_the_same_state(aws: Served) -> None:
    name = f"both-{uuid4().hex[:8]}"
    aws.client("sqs").create_queue(QueueName=name)
    assert aws.tls_client("sqs").get_queue_url(QueueName=name)["QueueUrl"].endswith(name)


def test_the_account_is_the_one_asked_for(aws: Served) -> None:
    assert aws.client("sts").get_caller_identity()["Account"] == "999988887777"


def test_a_region_nobody_knows_yet_is_fine(aws: Served) -> None:
    import boto3

    s3 = boto3.client(
        "dynamodb",
        region_name="mars-north-1",
        endpoint_url=aws.endpoint.url,
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    assert s3.list_tables()["TableNames"] == []
    s3.close()


def test_it_says_where_it_serves_and_nothing_else() -> None:
    with program() as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        assert said["tls_port"] is None
        with socket.create_connection(("127.0.0.1", said["port"]), DEADLINE_S) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: s3.amazonaws.com\r\nConnection: close\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=DEADLINE_S)
    assert (out, err) == ("", "")


def test_a_port_in_use_is_one_line_and_status_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, program("--port", str(taken.getsockname()[1])) as process:
        out, err = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, out) == (2, "")
    assert err.startswith("the embedded AWS cannot serve: ") and err.count("\n") == 1


def test_a_certificate_that_is_none_is_one_line_and_status_2(tmp_path: Path) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")
    with program("--certificate", str(bad)) as process:
        _, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 2
    assert err.startswith("the embedded AWS cannot serve: ") and err.count("\n") == 1


def test_it_is_quick_to_start() -> None:
    started = time.monotonic()
    with program() as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["port"] > 0
    assert time.monotonic() - started < DEADLINE_S / 3


def test_a_client_that_does_not_trust_us_disturbs_nobody(aws: Served) -> None:
    context = ssl.create_default_context()
    with socket.create_connection(("127.0.0.1", aws.tls_port), DEADLINE_S) as client, pytest.raises(ssl.SSLError):
        context.wrap_socket(client, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", aws.tls_port), DEADLINE_S):  # says nothing and holds up nobody
        assert aws.tls_client("sqs").list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200
