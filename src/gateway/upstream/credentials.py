"""Whose keys a signature carries: fixed ones, or what the SDK's chain finds (environment, profile, SSO and so on).

The chain reads files, runs programs and asks the network: a thread of its own does that, when keys are first needed
and when they are about to expire.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol, TypeVar

from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.credentials import ContainerProvider, EnvProvider, RefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from gateway.model.aws import Credentials
from gateway.model.errors import CapacityError

THREADS: Final = 1
_NO_METADATA: Final = "AWS_EC2_METADATA_DISABLED"
T = TypeVar("T")


class NoCredentials(CapacityError):
    """Nothing here says whose keys to use, or they cannot be renewed."""


class CredentialSource(Protocol):
    """Keys that are valid now."""

    async def get(self) -> Credentials:
        """Raises NoCredentials."""


class FixedCredentials:
    """Always the same keys."""

    def __init__(self, keys: Credentials) -> None:
        self._keys = keys

    async def get(self) -> Credentials:
        return self._keys


class SdkCredentials:
    """The SDK's chain over ``environ``; ``AWS_PROFILE`` and the rest mean there what they mean to the SDK."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="credentials")
        self._found: Any = None

    async def get(self) -> Credentials:
        try:
            if self._found is None:
                self._found = await self._in_thread(lambda: _session(self._environ).get_credentials())
            if self._found is None:
                raise NoCredentials("no AWS credentials were found")
            if isinstance(self._found, RefreshableCredentials) and self._found.refresh_needed():
                frozen = await self._in_thread(self._found.get_frozen_credentials)
            else:
                frozen = self._found.get_frozen_credentials()
        except (BotoCoreError, ClientError, OSError) as error:
            raise NoCredentials(f"no AWS credentials: {error}") from error
        return Credentials(str(frozen.access_key), str(frozen.secret_key), frozen.token)

    def close(self) -> None:
        """End the thread; a look-up under way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _session(environ: Mapping[str, str]) -> Session:
    """A session that reads these variables and no others."""
    session = Session(session_vars=_variables(environ))
    chain = session.get_component("credential_provider")
    for ours in (EnvProvider(environ), ContainerProvider(environ)):
        chain.insert_after(ours.METHOD, ours)
        chain.remove(ours.METHOD)  # the first of the two: the one that would ask the process's environment
    if environ.get(_NO_METADATA, "").lower() == "true":
        chain.remove("iam-role")
    return session


def _variables(environ: Mapping[str, str]) -> dict[str, tuple[Any, ...]]:
    """botocore's own table; where a variable is set its value is fixed, and the process's environment never asked."""
    variables: dict[str, tuple[Any, ...]] = {}
    for name, (file_key, names, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items():
        asked = [names] if isinstance(names, str) else names or []
        value = next((environ[variable] for variable in asked if environ.get(variable)), None)
        variables[name] = (file_key, None, default, convert) if value is None else (None, None, value, convert)
    return variables
