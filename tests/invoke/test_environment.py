from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from functions_of_laptop import function
from gateway.invoke.environment import (
    RESERVED,
    Account,
    Endpoints,
    HostRule,
    Places,
    handler_environment,
    ignored,
)
from gateway.model.aws import Credentials
from gateway.model.function import Function

ACCOUNT = Account("eu-west-1", Credentials("id", "secret", "token"))
ENDPOINTS = Endpoints(
    ca_bundle="/state/ca-bundle.pem",
    aws_url="http://127.0.0.1:5000",
    lambda_url="http://127.0.0.1:3001",
    management_url="https://localhost:8443/prod",
    hosts=(HostRule("*.amazonaws.com", "127.0.0.1", 8443, 8080), HostRule("*", None)),
)
PLACES = Places(
    task_root=Path("/app/src"),
    home=Path("/cache/home"),
    path="/usr/bin:/bin",
    opt=Path("/cache/opt"),
    python_hooks=Path("/hooks"),
    node_hook=Path("/ho oks/hook.cjs"),
    python=(Path("/app/src"), Path("/cache/packages")),
    node=(Path("/cache/node_modules"),),
    programs=(Path("/python/bin"), Path("/cache/opt/bin")),
    libraries=(Path("/app/src/lib"),),
)


def environment(
    declared: dict[str, str] | None = None, overrides: dict[str, str] | None = None, made: Function | None = None
) -> dict[str, str]:
    chosen = made or function(environment=declared)
    return handler_environment(chosen, ACCOUNT, ENDPOINTS, PLACES, overrides or {}, "2026/01/01/[$LATEST]abc")


def test_everything_is_there_and_nothing_else() -> None:
    bundle = "/state/ca-bundle.pem"
    assert environment({"TABLE": "chat"}, {"MINE": "1"}) == {
        "_HANDLER": "app.handler",
        "LAMBDA_TASK_ROOT": "/app/src",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
        "AWS_LAMBDA_FUNCTION_NAME": "app-Chat",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/app-Chat",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]abc",
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "TZ": ":UTC",
        "LANG": "en_US.UTF-8",
        "LC_CTYPE": "C.UTF-8",
        "HOME": "/cache/home",
        "PATH": "/python/bin:/cache/opt/bin:/usr/bin:/bin",
        "PYTHONPATH": "/hooks:/app/src:/cache/packages",
        "NODE_PATH": "/cache/node_modules",
        "LD_LIBRARY_PATH": "/app/src/lib",
        "NODE_OPTIONS": '--require "/ho oks/hook.cjs" --max-old-space-size=115',
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE": "1",
        "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": "true",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:5000",
        "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:3001",
        "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": "https://localhost:8443/prod",
        "AWS_CA_BUNDLE": bundle,
        "SSL_CERT_FILE": bundle,
        "REQUESTS_CA_BUNDLE": bundle,
        "NODE_EXTRA_CA_CERTS": bundle,
        "WSFLEET_OPT": "/cache/opt",
        "WSFLEET_HOSTS": json.dumps([["*.amazonaws.com", "127.0.0.1", 8443, 8080], ["*", None, 0, None]]),
        "TABLE": "chat",
        "MINE": "1",
    }


def test_overrides_win_over_the_template_and_both_over_our_defaults() -> None:
    found = environment(
        {"A": "template", "B": "template", "AWS_ENDPOINT_URL": "http://own"}, {"B": "file", "TZ": "CET"}
    )
    assert (found["A"], found["B"], found["AWS_ENDPOINT_URL"], found["TZ"]) == ("template", "file", "http://own", "CET")


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_reserved_names_keep_lambda_s_values(name: str) -> None:
    evil = function(environment={name: "evil"})
    assert environment(made=evil).get(name) == environment().get(name)
    assert environment(None, {name: "evil"}).get(name) == environment().get(name)
    assert ignored(evil, {}) == ignored(function(), {name: "x"}) == (name,)
    assert ignored(function(environment={"FREE": "1"}), {"ALSO": "1"}) == ()


def test_search_paths_of_the_function_lead_to_the_real_places() -> None:
    found = environment(
        {
            "PYTHONPATH": "/opt/python:/var/task/lib::/elsewhere",
            "NODE_PATH": "/var/task",
            "PATH": "/opt/bin:/var/taskforce",
            "AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap",
            "NODE_OPTIONS": "--enable-source-maps",
            "CONFIG": "/opt/config",
        }
    )
    assert found["PYTHONPATH"] == "/hooks:/cache/opt/python:/app/src/lib:/elsewhere:/app/src:/cache/packages"
    assert found["NODE_PATH"] == "/app/src:/cache/node_modules"
    assert found["PATH"] == "/cache/opt/bin:/var/taskforce:/python/bin:/usr/bin:/bin"
    assert found["AWS_LAMBDA_EXEC_WRAPPER"] == "/cache/opt/wrap"
    assert found["NODE_OPTIONS"] == '--require "/ho oks/hook.cjs" --max-old-space-size=115 --enable-source-maps'
    assert found["CONFIG"] == "/opt/config"


def test_a_handler_in_a_layer_is_led_there() -> None:
    made = function(handler="/opt/nodejs/node_modules/x/index.handler")
    assert environment(made=made)["_HANDLER"] == "/cache/opt/nodejs/node_modules/x/index.handler"


def test_what_there_is_not_is_not_said() -> None:
    found = handler_environment(
        function(runtime="provided.al2023"),
        Account("us-east-1", Credentials("id", "secret")),
        Endpoints(ca_bundle="/b"),
        replace(PLACES, opt=None, python_hooks=None, node_hook=None, python=(), node=(), programs=(), libraries=()),
        {},
        "stream",
    )
    absent = {
        "AWS_EXECUTION_ENV", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA", "WSFLEET_HOSTS",
        "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", "PYTHONPATH", "NODE_PATH", "NODE_OPTIONS", "LD_LIBRARY_PATH",
        "WSFLEET_OPT",
    }  # fmt: skip
    assert absent & found.keys() == set()
    assert found["PATH"] == "/usr/bin:/bin"


def test_secrets_do_not_show_in_a_log() -> None:
    assert "secret" not in repr(ACCOUNT) and "token" not in repr(ACCOUNT).replace("session_token", "")
