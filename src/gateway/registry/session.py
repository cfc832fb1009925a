"""The one place of this room where a botocore session is made.

Everything it uses is in the ``AwsEndpoint``: no environment variable, no file under ``~/.aws`` and no proxy setting of
the machine has a say, so an emulator on loopback is never confused with somebody's account.
"""

from __future__ import annotations

import os
from functools import cache

from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.loaders import Loader, create_loader
from botocore.session import Session

from gateway.model.aws import AwsEndpoint

_FILES = {"config_file": os.devnull, "credentials_file": os.devnull}


def session_for(endpoint: AwsEndpoint) -> Session:
    """A session that knows this endpoint's region and credentials and nothing else."""
    variables = {
        name: (None, None, _FILES.get(name, default), convert)
        for name, (_, _, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    session = Session(session_vars=variables)
    keys = endpoint.credentials
    session.set_credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    session.set_config_variable("region", endpoint.region)
    session.set_config_variable("ca_bundle", endpoint.ca_bundle)
    session.set_default_client_config(Config(proxies={}))
    session.register_component("data_loader", _loader())
    return session


@cache
def _loader() -> Loader:
    return create_loader()  # holds the parsed service descriptions, 0.1 s of work for each new session otherwise
