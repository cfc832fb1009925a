from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import certifi
import pytest

from gateway.elsewhere import Elsewhere, open_backends
from gateway.model.aws import AwsEndpoint
from gateway.model.backend import ServiceRequest, UpstreamRequest
from gateway.model.errors import UserError
from gateway.model.ids import FunctionName
from gateway.model.integration import ServiceTarget
from gateway.model.invocation import Answered, Returned, Unavailable
from gateway.ports import FunctionCall
from gateway.settings import AWS_ITSELF
from node_doubles import OK, ManualClock, RecordingReporter, ScriptedFunctions
from web_double import web_server

WAIT_MS = 10_000
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAUSER", "AWS_SECRET_ACCESS_KEY": "secret"}


def elsewhere(
    folder: Path, aws: str | None, lambda_url: str | None, environ: Mapping[str, str] | None = None
) -> Elsewhere:
    nothing = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(folder / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none"),
    }
    roots = Path(certifi.where())
    return Elsewhere(
        AwsEndpoint(aws, "eu-west-1"),
        lambda_url,
        roots,
        {**nothing, **(environ or {})},
        ManualClock(),
        RecordingReporter(),
    )


async def test_every_kind_of_backend_is_there_and_closed(tmp_path: Path) -> None:
    local = ScriptedFunctions(here=OK)
    async with web_server() as server:
        async with AsyncExitStack() as stack:
            backends = await open_backends(stack, elsewhere(tmp_path, server.url, None), local)
            assert backends.functions is local
            assert isinstance(await backends.upstreams.send(UpstreamRequest("POST", server.url), WAIT_MS), Answered)
            asked = ServiceRequest(ServiceTarget("", "sqs", path="a/b"), "POST")
            assert isinstance(await backends.services.call(asked, WAIT_MS), Answered)
        await server.until(lambda: server.open_connections == 0)
    assert [asked.line for asked in server.asked] == ["POST / HTTP/1.1", "POST /a/b HTTP/1.1"]
    assert [asked.connection for asked in server.asked] == [1, 1]


@pytest.mark.parametrize(("environ", "signer"), [({}, "test/"), (KEYS, "AKIAUSER/")])
async def test_functions_elsewhere_are_called_with_the_users_keys(
    tmp_path: Path, environ: Mapping[str, str], signer: str
) -> None:
    async with web_server() as server, AsyncExitStack() as stack:
        outside = elsewhere(tmp_path, "http://127.0.0.1:1", server.url, environ)
        backends = await open_backends(stack, outside, ScriptedFunctions(here=OK))
        call = FunctionCall(FunctionName("there"), b"{}", WAIT_MS, "Root=1-0-0", "live")
        assert await backends.functions.invoke(call) == Returned(b"ok")
    (asked,) = server.asked
    assert asked.line == "POST /2015-03-31/functions/there/invocations?Qualifier=live HTTP/1.1"
    signature = asked.header("Authorization") or ""
    assert f"Credential={signer}" in signature and "/eu-west-1/lambda/aws4_request" in signature


async def test_services_at_aws_itself_are_called_with_the_sdks_keys(tmp_path: Path) -> None:
    """Without any the call fails as any other does, and nobody is asked."""
    async with AsyncExitStack() as stack:
        backends = await open_backends(stack, elsewhere(tmp_path, None, None), ScriptedFunctions())
        asked = ServiceRequest(ServiceTarget("", "sqs", path="a/b"), "POST")
        assert await backends.services.call(asked, WAIT_MS) == Unavailable("no AWS credentials were found")


async def test_aws_itself_needs_keys(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        with pytest.raises(UserError, match="no AWS credentials were found") as refused:
            await open_backends(stack, elsewhere(tmp_path, "http://127.0.0.1:1", AWS_ITSELF), ScriptedFunctions())
        assert "AWS_PROFILE" in refused.value.hint
        outside = elsewhere(tmp_path, "http://127.0.0.1:1", AWS_ITSELF, KEYS)
        backends = await open_backends(stack, outside, ScriptedFunctions())
        assert backends.functions.knows(FunctionName("any"), None)
