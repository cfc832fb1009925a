"""The environment of a handler's process, built from nothing: Lambda's variables, the function's, the way to AWS.

Nothing of the gateway's own environment gets in but what the caller passes (``PATH``). The layers below each other, the
stronger last: Lambda's defaults, endpoints of this gateway, the function's own variables and the user's overrides, then
the names that Lambda reserves.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.invoke.runtime_channel import ANSWERS_VARIABLE, EVENTS_VARIABLE
from gateway.model.aws import Credentials
from gateway.model.function import Function

HOSTS_VARIABLE: Final = "WSFLEET_HOSTS"
OPT_VARIABLE: Final = "WSFLEET_OPT"
WRAPPER: Final = "AWS_LAMBDA_EXEC_WRAPPER"
TASK: Final = "/var/task"
OPT: Final = "/opt"
LATEST: Final = "$LATEST"
# Names that Lambda refuses in a function's configuration (developer guide, "Defined runtime environment variables").
RESERVED: Final = frozenset(
    {
        "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "AWS_LAMBDA_MAX_CONCURRENCY",
        HOSTS_VARIABLE, OPT_VARIABLE, EVENTS_VARIABLE, ANSWERS_VARIABLE,
    }
)  # fmt: skip
# Lists of folders, which on Lambda name places that exist there only.
_PATH_LISTS: Final = ("PATH", "PYTHONPATH", "NODE_PATH", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class HostRule:
    """Where a host name leads inside a handler's process. ``pattern`` is a name in which ``*`` stands for any text;
    the first rule that matches decides. ``address`` is an IP address, None to leave the name alone; ``port`` takes the
    place of 443 (and of no port), ``plain_port`` of 80, which is left alone when that is None."""

    pattern: str
    address: str | None
    port: int = 0
    plain_port: int | None = None


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a handler finds AWS. ``aws_url`` answers for all services, None leaves them to the SDK; ``lambda_url`` and
    ``management_url`` are this gateway's; ``ca_bundle`` is a file with the public roots and the local authority."""

    ca_bundle: str
    aws_url: str | None = None
    lambda_url: str | None = None
    management_url: str | None = None
    hosts: tuple[HostRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """Whose account the handlers run in. ``credentials`` None: they find their own as this program does, by ``chain``,
    the SDK's variables that say how, and by what the machine's role gives."""

    region: str
    credentials: Credentials | None
    chain: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Places:
    """Where a prepared function lies. ``path`` is the PATH to start from; ``home`` an empty folder of the cache;
    ``python_hooks`` and ``node_hook`` are ours, None when the runtime has no use for them; the rest are folders that go
    on search paths, the strongest first."""

    task_root: Path
    home: Path
    path: str
    opt: Path | None = None
    python_hooks: Path | None = None
    node_hook: Path | None = None
    python: tuple[Path, ...] = ()
    node: tuple[Path, ...] = ()
    programs: tuple[Path, ...] = ()
    libraries: tuple[Path, ...] = ()

    def local(self, text: str) -> str:
        """A path as a template names it for Lambda, as it is on this machine."""
        for prefix, folder in ((TASK, self.task_root), (OPT, self.opt)):
            if folder is not None and (text == prefix or text.startswith(prefix + "/")):
                return str(folder) + text[len(prefix) :]
        return text


def handler_environment(
    function: Function,
    account: Account,
    endpoints: Endpoints,
    places: Places,
    overrides: Mapping[str, str],
    log_stream: str,
) -> dict[str, str]:
    """The whole environment but ``AWS_LAMBDA_RUNTIME_API``, which whoever starts the process knows."""
    chosen = {key: value for key, value in {**function.environment, **overrides}.items() if key not in RESERVED}
    environment = {
        **_machine(places),
        **_ways_to_aws(endpoints),
        **{key: _localized(key, value, places) for key, value in chosen.items()},
        **_reserved(function, account, places, log_stream),
    }
    _keep_search_paths(environment, places)
    if places.node_hook is not None:
        ours = f"--require {_quoted(places.node_hook)} --max-old-space-size={_heap_mib(function)}"
        environment["NODE_OPTIONS"] = f"{ours} {environment.get('NODE_OPTIONS', '')}".rstrip()
    if places.opt is not None:
        environment[OPT_VARIABLE] = str(places.opt)
    if endpoints.hosts:
        rules = [(rule.pattern, rule.address, rule.port, rule.plain_port) for rule in endpoints.hosts]
        environment[HOSTS_VARIABLE] = json.dumps(rules)
    return environment


def ignored(function: Function, overrides: Mapping[str, str]) -> tuple[str, ...]:
    """The names asked for that Lambda would refuse, and that are therefore not set."""
    return tuple(sorted({*function.environment, *overrides} & RESERVED))


def _machine(places: Places) -> dict[str, str]:
    return {
        "HOME": str(places.home),
        "LANG": "en_US.UTF-8",
        "LC_CTYPE": "C.UTF-8",  # exists everywhere, which en_US need not
        "TZ": ":UTC",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "PYTHONDONTWRITEBYTECODE": "1",  # /var/task is read-only on Lambda, and the application's folder is not ours
        "PYTHONUNBUFFERED": "1",
        "AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE": "1",
        "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": "true",  # the application did not choose this Node
    }


def _ways_to_aws(endpoints: Endpoints) -> dict[str, str]:
    urls = {
        "AWS_ENDPOINT_URL": endpoints.aws_url,
        "AWS_ENDPOINT_URL_LAMBDA": endpoints.lambda_url,
        "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": endpoints.management_url,
    }
    trust = ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
    return {**{key: url for key, url in urls.items() if url}, **dict.fromkeys(trust, endpoints.ca_bundle)}


def _reserved(function: Function, account: Account, places: Places, log_stream: str) -> dict[str, str]:
    keys = account.credentials
    reserved = {
        "_HANDLER": places.local(function.handler),
        "AWS_REGION": account.region,
        "AWS_DEFAULT_REGION": account.region,
        "AWS_LAMBDA_FUNCTION_NAME": str(function.function_name),
        "AWS_LAMBDA_FUNCTION_VERSION": LATEST,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mib),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.function_name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "LAMBDA_TASK_ROOT": str(places.task_root),
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
    }
    if keys is None:
        reserved |= account.chain
    else:
        reserved |= {"AWS_ACCESS_KEY_ID": keys.access_key_id, "AWS_SECRET_ACCESS_KEY": keys.secret_access_key}
        if keys.session_token is not None:
            reserved["AWS_SESSION_TOKEN"] = keys.session_token
    if not function.runtime.startswith("provided"):
        reserved["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{function.runtime}"
    return reserved


def _localized(key: str, value: str, places: Places) -> str:
    if key in _PATH_LISTS:
        return os.pathsep.join(places.local(entry) for entry in value.split(os.pathsep))
    return places.local(value) if key == WRAPPER else value


def _keep_search_paths(environment: dict[str, str], places: Places) -> None:
    """Put our folders around the function's own: hooks first, then what it asked for, then what it needs."""
    hooks = () if places.python_hooks is None else (places.python_hooks,)
    asked = {key: tuple(filter(None, environment.get(key, "").split(os.pathsep))) for key in _PATH_LISTS}
    lists = {
        "PATH": (*asked["PATH"], *places.programs, *places.path.split(os.pathsep)),
        "PYTHONPATH": (*hooks, *asked["PYTHONPATH"], *places.python),
        "NODE_PATH": (*asked["NODE_PATH"], *places.node),
        "LD_LIBRARY_PATH": (*asked["LD_LIBRARY_PATH"], *places.libraries),
    }
    for key, folders in lists.items():
        text = os.pathsep.join(dict.fromkeys(str(folder) for folder in folders if str(folder)))
        if text:
            environment[key] = text


def _heap_mib(function: Function) -> int:
    """What Node may fill before it must collect, of what the function may hold; a tenth is for all that is no heap. By
    itself it would go by the machine's memory, and be ended with garbage in its heap."""
    return function.memory_mib * 9 // 10


def _quoted(path: Path) -> str:
    """A path as one word of NODE_OPTIONS."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
