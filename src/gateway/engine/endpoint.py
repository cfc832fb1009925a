"""One stage of one API: what its events, ARNs and connections say of where they are."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.api import Api, Stage

EXECUTE_API = ".execute-api."


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``domain_name`` is the default host name, which events carry."""

    api: Api
    stage: Stage
    domain_name: str
    region: str
    account_id: str

    def method_arn(self, route_key: str) -> str:
        """``arn:aws:execute-api:{region}:{account}:{apiId}/{stage}/{routeKey}`` (parity 5.2, 6.1)."""
        scope = f"{self.api.api_id}/{self.stage.stage_name}/{route_key}"
        return f"arn:aws:execute-api:{self.region}:{self.account_id}:{scope}"


def execute_api_host(api_id: str, region: str) -> str:
    """The default host name of an API (parity 1.1)."""
    return f"{api_id}{EXECUTE_API}{region}.amazonaws.com"
