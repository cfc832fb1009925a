"""ministack: an emulator of many AWS services, its API Gateway among them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from bench.harness.load import Target
from bench.harness.peers.install import PYPI, python_environment
from bench.harness.peers.served import Served, accepts, folder_for, free_port
from bench.harness.scenario import Bench, wait_until
from bench.harness.signing import Keys, signed_post

START_S: Final = 60.0
MOST: Final = 100  # some twenty connects a second
KEYS: Final = Keys("test", "test", "us-east-1")


class Ministack:
    name = "ministack"
    title = "ministack"

    @contextmanager
    def serving(self, bench: Bench) -> Iterator[Served]:
        programs = python_environment(bench, self.name)
        port = free_port()
        environment = {**bench.gateways.environment(), "GATEWAY_PORT": str(port), "LOG_LEVEL": "WARNING"}
        environment.pop("PYTHONPATH")
        environment["PATH"] = f"{programs}:{environment['PATH']}"
        folder = folder_for(bench, self.name)
        environment["TMPDIR"] = str(folder)  # it leaves files there
        child = bench.children.start(self.name, [str(programs / "ministack")], folder, environment)
        try:
            wait_until(lambda: accepts(port) or not child.is_running, START_S, "it listens")
            if not child.is_running:
                raise child.failure("ended")
            bench.step("deploys")
            api_id = _deploy(bench, f"http://127.0.0.1:{port}")
            base = f"/_aws/execute-api/{api_id}/bench"
            target = Target(port, base)
            yield Served(
                PYPI[self.name],
                target,
                lambda: child.tree,
                lambda number, body: signed_post(
                    KEYS, target.host_header, f"{base}/@connections/{number.replace('=', '%3D')}", body
                ),
                port,
                min(bench.sizes.peers, MOST),
                "Python handlers in a warm process; a development emulator",
            )
        finally:
            bench.children.end(child, hard=True)


def _deploy(bench: Bench, url: str) -> str:
    """The ID of an API whose one function answers everything."""
    import boto3

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=url,
            region_name=KEYS.region,
            aws_access_key_id=KEYS.access_key,
            aws_secret_access_key=KEYS.secret,
        )

    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.write(bench.root / "bench" / "applications" / "compared" / "src" / "echo.py", "echo.py")
    arn = client("lambda").create_function(
        FunctionName="echo",
        Runtime="python3.11",
        Role="arn:aws:iam::000000000000:role/bench",
        Handler="echo.handler",
        Code={"ZipFile": code.getvalue()},
        Timeout=20,
    )["FunctionArn"]
    gateway = client("apigatewayv2")
    api = gateway.create_api(Name="b", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")[
        "ApiId"
    ]
    uri = f"arn:aws:apigateway:{KEYS.region}:lambda:path/2015-03-31/functions/{arn}/invocations"
    integration = gateway.create_integration(ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=uri)[
        "IntegrationId"
    ]
    for key in ("$connect", "$default"):
        options = {"RouteResponseSelectionExpression": "$default"} if key == "$default" else {}
        route = gateway.create_route(ApiId=api, RouteKey=key, Target=f"integrations/{integration}", **options)[
            "RouteId"
        ]
        if options:
            gateway.create_route_response(ApiId=api, RouteId=route, RouteResponseKey="$default")
    gateway.create_stage(ApiId=api, StageName="bench", AutoDeploy=True)
    return str(api)
