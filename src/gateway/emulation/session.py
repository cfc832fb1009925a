"""The one place of this room where AWS clients are made.

Everything they use is in the ``AwsEndpoint``: no environment variable, no file under ``~/.aws`` and no proxy setting of
the machine has a say, so that real AWS is never touched by accident.
"""

from __future__ import annotations

import os
from functools import cache
from threading import Lock
from typing import Any, Final

import boto3.session
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.loaders import Loader, create_loader
from botocore.session import Session

from gateway.model.aws import AwsEndpoint

CONNECT_TIMEOUT_S: Final = 2.0  # emulators are near
READ_TIMEOUT_S: Final = 15.0  # the first call of a service makes an emulator load it
ATTEMPTS: Final = 2
_FILES = {"config_file": os.devnull, "credentials_file": os.devnull}

Client = Any  # boto3 makes these classes while it runs


class Clients:
    """The clients of one endpoint, each made when first asked for. May be used from several threads."""

    def __init__(self, endpoint: AwsEndpoint, max_connections: int) -> None:
        self.endpoint = endpoint
        self._session = boto3.session.Session(botocore_session=session_of(endpoint))
        self._config = Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
            max_pool_connections=max_connections,
            proxies={},
            s3={"addressing_style": "path"},
        )
        self._made: dict[str, Client] = {}
        self._lock = Lock()

    def __call__(self, service: str) -> Client:
        with self._lock:  # making a client is not thread-safe, using one is
            if service not in self._made:
                make: Any = self._session.client
                self._made[service] = make(service, endpoint_url=self.endpoint.url, config=self._config)
            return self._made[service]

    def close(self) -> None:
        """Close every pooled socket."""
        with self._lock:
            for client in self._made.values():
                client.close()
            self._made.clear()


def session_of(endpoint: AwsEndpoint) -> Session:
    """botocore's session for this endpoint and nothing else."""
    variables = {
        name: (None, None, _FILES.get(name, default), convert)
        for name, (_, _, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    session = Session(session_vars=variables)
    keys = endpoint.credentials
    assert keys is not None, "the keys for an emulator are given, never looked up"
    session.set_credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    session.set_config_variable("region", endpoint.region)
    session.set_config_variable("ca_bundle", endpoint.ca_bundle)
    session.register_component("data_loader", _loader())
    return session


@cache
def _loader() -> Loader:
    return create_loader()  # holds the parsed service descriptions, 0.1 s of work for each new session otherwise
