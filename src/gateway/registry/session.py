"""The one place of this room where a botocore session is made.

Everything it uses is in the ``AwsEndpoint``: no environment variable, no file under ``~/.aws`` and no proxy setting of
the machine has a say, so an emulator on loopback is never confused with somebody's account. The one exception is asked
for by ``credentials`` None: then whose keys to use is found as every AWS SDK finds it. Region, URL and roots are the
endpoint's own even then.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any, Final

from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.httpsession import get_cert_path
from botocore.loaders import Loader, create_loader
from botocore.session import Session

from gateway.model.aws import AwsEndpoint, Credentials
from gateway.model.errors import RegistryUnavailable

_FILES: Final = {"config_file": os.devnull, "credentials_file": os.devnull}


def session_for(endpoint: AwsEndpoint) -> Session:
    """A session for this endpoint and no other."""
    keys = endpoint.credentials
    if keys is None:
        session = Session()
    else:
        session = _deaf_session()
        session.set_credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    session.set_config_variable("region", endpoint.region)
    session.set_config_variable("ca_bundle", endpoint.ca_bundle)
    session.set_default_client_config(Config(proxies={}, ignore_configured_endpoint_urls=True))
    session.register_component("data_loader", _loader())
    return session


def located(endpoint: AwsEndpoint, where: str) -> tuple[str, Any]:
    """The URL that requests go to, and botocore's credentials that sign them. Blocks; raises RegistryUnavailable."""
    try:
        session = session_for(endpoint)
        keys = session.get_credentials()
        if keys is None:
            raise NoCredentialsError
        url = endpoint.url or str(session.create_client("dynamodb").meta.endpoint_url)
    except (BotoCoreError, ClientError) as error:
        raise RegistryUnavailable(f"{where}: {error}") from error
    return url, keys


def fresh(keys: Any) -> Credentials | None:
    """botocore's ``keys`` as they are, None when they have to be ``renewed``, which may block."""
    if isinstance(keys, RefreshableCredentials) and keys.refresh_needed():
        return None
    return _frozen(keys)


def renewed(keys: Any, where: str) -> Credentials:
    """Blocks; raises RegistryUnavailable."""
    try:
        return _frozen(keys)
    except (BotoCoreError, ClientError) as error:
        raise RegistryUnavailable(f"{where}: {error}") from error


def public_roots() -> str:
    """The PEM file that botocore checks servers with when nobody names one."""
    return str(get_cert_path(True))


def _frozen(keys: Any) -> Credentials:
    found = keys.get_frozen_credentials()
    return Credentials(found.access_key, found.secret_key, found.token)


def _deaf_session() -> Session:
    """It hears nothing of the surroundings."""
    return Session(
        session_vars={
            name: (None, None, _FILES.get(name, default), convert)
            for name, (_, _, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
        }
    )


@cache
def _loader() -> Loader:
    return create_loader()  # holds the parsed service descriptions, 0.1 s of work for each new session otherwise
