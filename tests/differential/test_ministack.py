"""The same questions to this gateway and to *ministack*, an emulator by others, laid beside docs/differential.md.

Runs where a ``ministack`` command is found (``MINISTACK`` names another place), in an environment of its own:
``python -m venv DIR && DIR/bin/pip install ministack boto3``, then ``MINISTACK=DIR/bin/ministack pytest
tests/differential``. With ``REWRITE_GOLDENS=1`` the answers in the document are written anew; the explanations stay.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import socket
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import boto3
import pytest

from differential_scenario import QUESTIONS, Document, Subject, answers
from gateway.model.api import Api, LambdaTarget
from gateway.model.definition import Definition
from gateway.template.load import load
from gateway.template.options import LoadOptions
from gateway_process import APPLICATIONS, environment, started, until

DOCUMENT = Path(__file__).parents[2] / "docs" / "differential.md"
ROW = re.compile(
    r"^\| (?P<question>.+?) \| (?P<theirs>.+?) \| (?P<ours>.+?) \| (?P<rows>.*?) \| (?P<why>.*?) \|$", re.M
)
MINISTACK = os.environ.get("MINISTACK") or shutil.which("ministack")
TABLE = "differential-events"
REGION = "us-east-1"

pytestmark = [
    pytest.mark.skipif(MINISTACK is None, reason="no ministack on this machine (MINISTACK names it)"),
    pytest.mark.xdist_group("differential"),
]


def client(service: str, url: str) -> Any:
    make: Any = boto3.client
    return make(service, endpoint_url=url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")


def reader(url: str) -> Callable[[str], list[Document]]:
    dynamodb = client("dynamodb", url)

    def events(connection_id: str) -> list[Document]:
        found = dynamodb.query(
            TableName=TABLE,
            KeyConditionExpression="visit = :visit",
            ExpressionAttributeValues={":visit": {"S": connection_id}},
            ConsistentRead=True,
        )
        return [json.loads(item["event"]["S"]) for item in found["Items"]]

    return events


# -- ministack ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    folder = tmp_path_factory.mktemp("ministack")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert MINISTACK is not None
    env = environment(folder) | {"GATEWAY_PORT": str(port), "STATE_DIR": str(folder), "AUTH": "false"}
    log = (folder / "log").open("wb")
    process = subprocess.Popen([MINISTACK], cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: is_up(url), "ministack serves")
        stages = load_into(url)
        yield Subject(
            lambda stage: f"ws://127.0.0.1:{port}/_aws/execute-api/{stages.get(stage, stages['open'])}/{stage}",
            lambda stage: f"{url}/_aws/execute-api/{stages.get(stage, stages['open'])}/{stage}",
            reader(url),
        )
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()
        log.close()


def is_up(url: str) -> bool:
    try:
        with urlopen(f"{url}/_ministack/health", timeout=2):
            return True
    except (URLError, OSError):
        return False


def load_into(url: str) -> dict[str, str]:
    """Create everything of the application through boto3; which API ID each stage is of."""
    folder = APPLICATIONS / "differential"
    options = LoadOptions(stack_name="differential", region=REGION, parameters={"Python": "python3.12"})
    definition = load((folder / "template.yaml").read_text(encoding="utf-8"), path="template.yaml", options=options)
    create_table(url, definition)
    functions = create_functions(url, folder, definition)
    return {stage: create_api(url, api, functions) for api in definition.apis for stage in api.stages}


def create_table(url: str, definition: Definition) -> None:
    (table,) = (resource for resource in definition.resources if resource.type == "AWS::DynamoDB::Table")
    client("dynamodb", url).create_table(**table.properties)


def create_functions(url: str, folder: Path, definition: Definition) -> dict[str, str]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(folder / "src" / "answers.py", "answers.py")
    created = {}
    for function in definition.functions.values():
        made = client("lambda", url).create_function(
            FunctionName=function.function_name,
            Runtime=function.runtime,
            Role="arn:aws:iam::000000000000:role/any",
            Handler=function.handler,
            Code={"ZipFile": archive.getvalue()},
            Timeout=function.timeout_s,
            Environment={"Variables": dict(function.environment)},
        )
        created[str(function.function_name)] = made["FunctionArn"]
    return created


def create_api(url: str, api: Api, functions: dict[str, str]) -> str:
    control = client("apigatewayv2", url)
    made = control.create_api(
        Name=api.name, ProtocolType="WEBSOCKET", RouteSelectionExpression=api.route_selection_expression
    )
    api_id: str = made["ApiId"]

    def uri(target: object) -> str:
        assert isinstance(target, LambdaTarget)
        arn = functions[str(target.function_name)]
        return f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"

    for route in api.routes.values():
        assert route.integration is not None
        integration = control.create_integration(
            ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=uri(route.integration.target)
        )
        extra: dict[str, Any] = {}
        if route.authorizer is not None:
            authorizer = control.create_authorizer(
                ApiId=api_id,
                Name=route.authorizer.name,
                AuthorizerType="REQUEST",
                AuthorizerUri=uri(route.authorizer.target),
                IdentitySource=list(route.authorizer.identity_source),
            )
            extra = {"AuthorizationType": "CUSTOM", "AuthorizerId": authorizer["AuthorizerId"]}
        created = control.create_route(
            ApiId=api_id, RouteKey=route.route_key, Target=f"integrations/{integration['IntegrationId']}", **extra
        )
        if route.two_way:
            control.create_route_response(ApiId=api_id, RouteId=created["RouteId"], RouteResponseKey="$default")
    for stage in api.stages:
        control.create_stage(ApiId=api_id, StageName=stage, AutoDeploy=True)
    return api_id


# -- this gateway ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    with started("differential", tmp_path_factory.mktemp("e2e"), "--no-watch") as gateway:
        port = gateway.ready.port
        yield Subject(
            lambda stage: f"ws://127.0.0.1:{port}/{stage}",
            lambda stage: f"http://127.0.0.1:{port}/{stage}",
            reader(gateway.ready.aws_endpoint_url),
        )


# -- side by side ------------------------------------------------------------------------------------------------------


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ") or "(empty)"


def test_both_answer_as_the_document_says(theirs: Subject, ours: Subject) -> None:
    observed = {
        question: (cell(a), cell(b))
        for (question, a), b in zip(answers(theirs).items(), answers(ours).values(), strict=True)
    }
    if os.environ.get("REWRITE_GOLDENS"):
        rewrite(observed)
    told = {row["question"]: (row["theirs"], row["ours"]) for row in ROW.finditer(DOCUMENT.read_text(encoding="utf-8"))}
    assert {question: told.get(question) for question in QUESTIONS} == observed


def rewrite(observed: dict[str, tuple[str, str]]) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    known = {row["question"]: row for row in ROW.finditer(text)}
    for question, (a, b) in observed.items():
        row = known.get(question)
        tail = f"{row['rows']} | {row['why']}" if row else " | "
        line = f"| {question} | {a} | {b} | {tail} |"
        text = text.replace(row[0], line) if row else text.rstrip("\n") + f"\n{line}\n"
    DOCUMENT.write_text(text, encoding="utf-8")
