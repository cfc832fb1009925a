"""The AWS endpoint as queues and streams are read from it: clients, threads, and whether anybody answers there.

Everything the clients use is in the ``AwsEndpoint``: no environment variable, no file under ``~/.aws`` and no proxy
setting of the machine has a say, except that ``credentials`` None is found by the SDK's own chain. What the services
answer means nothing here.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Any, Final

import boto3.session
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError
from botocore.session import Session

from gateway.model.aws import AwsEndpoint
from gateway.model.surprise import one_line

THREADS: Final = 32  # as many queues are waited at side by side; more take turns of a second
CONNECT_TIMEOUT_S: Final = 2.0
READ_TIMEOUT_S: Final = 15.0  # the first call of a service makes an emulator load it
_FILES: Final = {"config_file": os.devnull, "credentials_file": os.devnull}

Document = dict[str, Any]


class EndpointAway(Exception):
    """Nobody answers at the endpoint."""


class Refused(Exception):
    """The service answered with an error, or cannot be asked that; ``code`` is AWS's or botocore's name of it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(" ".join(f"{code}: {message}".split()))
        self.code = code


class SourceEndpoint:
    """Calls services in ``THREADS`` threads of its own. A call that is cancelled ends in its thread by itself."""

    def __init__(self, endpoint: AwsEndpoint, warned: Callable[[str], None]) -> None:
        self._endpoint = endpoint
        self._warned = warned
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="event-sources")
        self._session = boto3.session.Session(botocore_session=_session_of(endpoint))
        self._clients: dict[str, Any] = {}
        self._lock = Lock()
        self._is_away = False

    async def call(self, service: str, operation: str, **parameters: Any) -> Document:
        """One call. Raises Refused, and EndpointAway after telling of it once."""
        loop = asyncio.get_running_loop()
        try:
            answer = await loop.run_in_executor(self._threads, partial(self._call, service, operation, parameters))
        except ClientError as error:
            said = error.response.get("Error", {})
            self._is_away = False
            raise Refused(str(said.get("Code", "")), str(said.get("Message", ""))) from error
        except (ConnectionError, HTTPClientError) as error:
            self._tell_away(error)
            raise EndpointAway from error
        except BotoCoreError as error:
            raise Refused(type(error).__name__, str(error)) from error
        self._is_away = False
        return answer

    def close(self) -> None:
        """Let go of threads and sockets; calls under way end by themselves, within their own wait."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            for client in self._clients.values():
                client.close()

    def _tell_away(self, error: BotoCoreError) -> None:
        if not self._is_away:
            self._is_away = True
            self._warned(f"queues and streams cannot be read at {self._endpoint.place}, trying on: {one_line(error)}")

    def _call(self, service: str, operation: str, parameters: Document) -> Document:
        found: Document = getattr(self._client(service), operation)(**parameters)
        return found

    def _client(self, service: str) -> Any:
        with self._lock:  # making a client is not thread-safe, using one is
            if service not in self._clients:
                make: Any = self._session.client
                config = Config(
                    connect_timeout=CONNECT_TIMEOUT_S,
                    read_timeout=READ_TIMEOUT_S,
                    retries={"total_max_attempts": 1},
                    max_pool_connections=THREADS,
                    proxies={},
                    ignore_configured_endpoint_urls=True,
                )
                self._clients[service] = make(service, endpoint_url=self._endpoint.url, config=config)
            return self._clients[service]


def _session_of(endpoint: AwsEndpoint) -> Session:
    keys = endpoint.credentials
    if keys is None:
        session = Session()
    else:
        session = Session(session_vars=_deaf_variables())
        session.set_credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    session.set_config_variable("region", endpoint.region)
    session.set_config_variable("ca_bundle", endpoint.ca_bundle)
    return session


def _deaf_variables() -> dict[str, tuple[Any, ...]]:
    """botocore's own table, nothing of which is looked up anywhere."""
    return {
        name: (None, None, _FILES.get(name, default), convert)
        for name, (_, _, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
