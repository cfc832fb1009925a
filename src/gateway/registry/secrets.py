"""Secrets of AWS Secrets Manager, by ARN, through the one session of this room; a secret never shows in an error.

The SDK is loaded by the first secret that is asked for, in the thread that asks: most nodes have none.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.model.aws import AwsEndpoint
from gateway.model.errors import CapacityError
from gateway.registry.threads import Threads

THREADS: Final = 2
TIMEOUT_S: Final = 5.0  # to connect, and for the answer; it is asked again once


class SecretsManager:
    """Asks in the region that a secret's ARN names. ``endpoint``'s keys need ``secretsmanager:GetSecretValue``."""

    def __init__(self, endpoint: AwsEndpoint) -> None:
        self._endpoint = endpoint
        self._threads = Threads(THREADS, "secrets")
        self._clients: dict[str, Any] = {}

    async def text(self, arn: str) -> str:
        """The current version. Raises CapacityError."""
        return await self._threads.run(self._text, arn)

    def close(self) -> None:
        self._threads.close()
        for client in self._clients.values():
            client.close()

    def _text(self, arn: str) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            found = self._client(arn.split(":")[3]).get_secret_value(SecretId=arn)
        except ClientError as error:
            raise CapacityError(f"{error.response['Error'].get('Code', 'no answer')}") from error
        except (BotoCoreError, OSError) as error:
            raise CapacityError(str(error)) from error
        text = found.get("SecretString")
        if not isinstance(text, str):
            raise CapacityError("it is not text")
        return text

    def _client(self, region: str) -> Any:
        if region not in self._clients:
            from botocore.config import Config

            from gateway.registry.session import session_for

            patience = Config(
                connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S, retries={"total_max_attempts": 2, "mode": "standard"}
            )
            self._clients[region] = session_for(self._endpoint).create_client(
                "secretsmanager", region_name=region, endpoint_url=self._endpoint.url, config=patience
            )
        return self._clients[region]
