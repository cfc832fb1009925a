"""The one place of this room where a botocore session is made.

Everything it uses is in the ``AwsEndpoint``: no environment variable, no file under ``~/.aws`` and no proxy setting of
the machine has a say, so an emulator on loopback is never confused with somebody's account. The one exception is asked
for by ``credentials`` None: then whose keys to use is found as every AWS SDK finds it. Region, URL and roots are the
endpoint's own even then.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Final

from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.loaders import Loader, create_loader
from botocore.session import Session

from gateway.model.aws import AwsEndpoint

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
