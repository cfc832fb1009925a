"""Posts one message to many connections: by one call on wsfleet, by one call each on AWS. To be copied; needs boto3.

    outcomes = post_to_connections(client, connection_ids, b"hello")
    forget([each for each, outcome in outcomes.items() if outcome == GONE])

The same everywhere: a dictionary with one of the words below for each ID. ``client`` is boto3's of
``apigatewaymanagementapi``; its credentials, endpoint and certificates are used.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import WeakKeyDictionary

from botocore.exceptions import BotoCoreError, ClientError

SENT = "sent"
GONE = "gone"  # for good: forget it
LIMITED = "limited"  # its client does not read fast enough, or too much is sent
FORBIDDEN = "forbidden"  # no connection of this API, or not to be posted to
UNREACHABLE = "unreachable"  # it may or may not have been sent

AT_ONCE = 10_000  # connections of one call, on wsfleet
TOO_LONG = 413
SIDE_BY_SIDE = 10  # calls on AWS: as many connections as botocore keeps

_FLEET = "@fleet"  # stands in for a connection's ID in the one call that is for many
# What a path that there is not is answered with on AWS, by name; without one it is the status. wsfleet names its own
# refusals otherwise: AccessDeniedException, InvalidSignatureException, ExpiredTokenException, …
_NO_SUCH_PATH = ("ForbiddenException", "MissingAuthenticationTokenException", "403")
_OUTCOMES = {400: FORBIDDEN, 403: FORBIDDEN, 410: GONE, 429: LIMITED}
_is_fleet: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()  # by client, once it is known


def post_to_connections(client: Any, connection_ids: Iterable[str], data: bytes | str) -> dict[str, str]:
    """What became of it for each ID, in their order; an ID that is there twice gets the message once.

    Never raises for what is wrong with one of them. Raises boto3's ClientError for what is wrong with all: no
    permission, a wrong or expired signature, an endpoint of no stage, a message that is too long.
    """
    targets = list(dict.fromkeys(connection_ids))
    data = data.encode() if isinstance(data, str) else data
    if len(targets) > 1 and _is_fleet.get(client, True):
        outcomes = _post_to_fleet(client, targets, data)
        if outcomes is not None:
            return outcomes
    return _post_to_each(client, targets, data)


def _post_to_each(client: Any, targets: list[str], data: bytes) -> dict[str, str]:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        answers = list(threads.map(lambda each: _post(client, each, data), targets))
    errors = [answer for answer in answers if isinstance(answer, ClientError)]
    for status in (403, TOO_LONG):
        refusals = [error for error in errors if _status(error) == status]
        if refusals and (status == TOO_LONG or len(refusals) == len(targets)):
            raise refusals[0]
    return dict(zip(targets, map(_outcome, answers), strict=True))


def _post(client: Any, connection_id: str, data: bytes) -> Exception | None:
    """What went wrong, None when it was sent."""
    failed: Exception | None = None
    try:
        client.post_to_connection(ConnectionId=connection_id, Data=data)
    except (ClientError, BotoCoreError) as error:
        failed = error
    return failed


def _outcome(error: Exception | None) -> str:
    if error is None:
        return SENT
    return _OUTCOMES.get(_status(error), UNREACHABLE) if isinstance(error, ClientError) else UNREACHABLE


def _post_to_fleet(client: Any, targets: list[str], data: bytes) -> dict[str, str] | None:
    """None when this is not wsfleet; nothing was sent then. Raises as ``post_to_connections``."""
    if client not in _is_fleet:
        client.meta.events.register("before-call.apigatewaymanagementapi.PostToConnection", _send_to_fleet)
        client.meta.events.register("after-call.apigatewaymanagementapi.PostToConnection", _keep_answer)
    outcomes: dict[str, str] = {}
    for some in _slices(targets):
        body = json.dumps({"connectionIds": some, "dataBase64": b64encode(data).decode("ascii")}).encode()
        try:
            answer = client.post_to_connection(ConnectionId=_FLEET, Data=body)
        except (ClientError, BotoCoreError) as error:
            if not outcomes and _is_no_such_path(error):
                _is_fleet[client] = False
                return None
            if not outcomes and isinstance(error, ClientError) and _status(error) in (400, 403, TOO_LONG):
                raise
            outcomes |= dict.fromkeys(some, _outcome(error))
        else:
            _is_fleet[client] = True
            outcomes |= json.loads(answer[_FLEET])["outcomes"]
    return {each: outcomes[each] for each in targets}


def _slices(targets: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(targets), AT_ONCE):
        yield targets[start : start + AT_ONCE]


def _send_to_fleet(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    """Before a request is signed: the path of the one call that is for many."""
    path = "/@connections/%40fleet"
    if params["url_path"].endswith(path):
        params["url"] = params["url"].replace(path, "/@fleet/post")
        context[_FLEET] = True


def _keep_answer(http_response: Any, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    """PostToConnection has no result of its own, so botocore does not look at the answer's body."""
    if context.get(_FLEET):
        parsed[_FLEET] = http_response.content


def _is_no_such_path(error: Exception) -> bool:
    if not isinstance(error, ClientError):
        return False
    status = _status(error)
    return status == 404 or (status == 403 and error.response["Error"]["Code"] in _NO_SUCH_PATH)


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
