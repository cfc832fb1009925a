"""``{service}:action/{Action}`` as a request of the service's own protocol, built from the SDK's description of it.

JSON protocols take what the mapping made as it is. The query protocol takes parameters: those mapped to the query
string, and those of a form or a JSON object in the body. REST protocols take the JSON object's members to where the
operation binds them. Knows neither endpoint nor signature.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from botocore.model import OperationModel, Shape
from botocore.serialize import create_serializer
from botocore.utils import percent_encode_sequence
from botocore.validate import ParamValidator

from gateway.model.backend import Pairs, ServiceRequest
from gateway.upstream.draft import Draft, content_type, encoded, replaced, without

FORM: Final = "application/x-www-form-urlencoded"
_QUERY_PROTOCOLS: Final = ("query", "ec2")
JSON: Final = "application/json"
# API Gateway asks the query protocol's services for JSON: a captured reply of SNS is {"PublishResponse": …}. Services
# take the header for it, or this parameter, which emulators know too.
JSON_ANSWER: Final = (("ContentType", "JSON"),)
_REST_PROTOCOLS: Final = ("rest-json", "rest-xml")


def action_draft(request: ServiceRequest, operation: OperationModel) -> Draft:
    """Raises ValueError when the operation cannot be asked with what the mapping made."""
    metadata = operation.service_model.metadata
    protocols = metadata.get("protocols") or [metadata["protocol"]]
    if any(protocol in _REST_PROTOCOLS for protocol in protocols):
        return _rest(request, operation)
    if "json" in protocols and not _is_meant_as_query(request):
        return _json(request, operation)
    query = next((protocol for protocol in _QUERY_PROTOCOLS if protocol in protocols), None)
    if query is None and "json" not in protocols:
        raise ValueError(f"the protocol of {request.target.service} ({metadata['protocol']}) is not spoken here")
    return _query(request, operation, query or "query")


def _is_meant_as_query(request: ServiceRequest) -> bool:
    """SQS understands both; a JSON protocol knows no query string and no form."""
    return bool(request.query) or request.method == "GET" or content_type(request.headers) == FORM


def _json(request: ServiceRequest, operation: OperationModel) -> Draft:
    metadata = operation.service_model.metadata
    kind = f"application/x-amz-json-{metadata.get('jsonVersion', '1.0')}"
    target = f"{metadata['targetPrefix']}.{operation.name}"
    headers = replaced(request.headers, ("Content-Type", kind), ("X-Amz-Target", target))
    return Draft("POST", headers=headers, body=request.body or b"{}")


def _query(request: ServiceRequest, operation: OperationModel, protocol: str) -> Draft:
    given = (*request.query, *_body_parameters(request, operation, protocol))
    version = next((value for name, value in given if name == "Version"), operation.service_model.api_version)
    others = (pair for pair in given if pair[0] not in ("Action", "Version"))
    wanted = () if accept(request.headers) or "ContentType" in dict(given) else JSON_ANSWER
    text = encoded((("Action", operation.name), ("Version", version), *others, *wanted))
    headers = (*request.headers, ("Accept", JSON)) if wanted else request.headers
    if request.method == "GET":
        return Draft("GET", query=text, headers=without(headers, "content-type"))
    return Draft("POST", headers=replaced(headers, ("Content-Type", FORM)), body=text.encode("ascii"))


def accept(headers: Pairs) -> str | None:
    """What the mapping asks to be answered in, None when it does not say."""
    return next((value for name, value in headers if name.lower() == "accept"), None)


def _body_parameters(request: ServiceRequest, operation: OperationModel, protocol: str) -> Pairs:
    """What the body adds. A JSON object adds nothing to mapped parameters: it is most likely the client's message,
    passed through, and what a client may say there is for the mapping to choose."""
    mapped = {name for name, _ in request.query}
    if content_type(request.headers) == FORM:
        pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
        return tuple(pair for pair in pairs if pair[0] not in mapped)
    document = None if mapped else _object(request.body)
    return () if document is None else _flattened(document, operation, protocol)


def _flattened(document: dict[str, Any], operation: OperationModel, protocol: str) -> Pairs:
    """Lists and structures as the query protocol numbers them; what the operation does not know, or not like this,
    goes as it is: the service shall say what is wrong."""
    members = _members(operation)
    known = {name: value for name, value in document.items() if name in members}
    if _errors(known, operation):
        known = {}
    flat = create_serializer(protocol, False).serialize_to_request(known, operation)["body"]
    rest = {name: _text(value) for name, value in document.items() if name not in known}
    return tuple((name, str(value)) for name, value in {**flat, **rest}.items() if name not in ("Action", "Version"))


def _rest(request: ServiceRequest, operation: OperationModel) -> Draft:
    """A query parameter named like a member of the path is that member, any other goes along as it is."""
    members = _members(operation)
    document = _object(request.body)
    labels = {name for name, shape in members.items() if shape.serialization.get("location") == "uri"}
    parameters = {name: value for name, value in (document or {}).items() if name in members}
    parameters.update((name, value) for name, value in request.query if name in labels)
    if errors := _errors(parameters, operation):
        raise ValueError(f"{operation.name}: {errors}")
    serializer = create_serializer(operation.service_model.metadata["protocol"], False)
    built = serializer.serialize_to_request(parameters, operation)
    path, _, fixed = built["url_path"].partition("?")
    others = encoded(pair for pair in request.query if pair[0] not in labels)
    query = "&".join(filter(None, (fixed, percent_encode_sequence(built["query_string"]), others)))
    headers = replaced(request.headers, *((name, str(value)) for name, value in built["headers"].items()))
    return Draft(built["method"], path, query, headers, request.body if document is None else _bytes(built["body"]))


def _members(operation: OperationModel) -> Mapping[str, Shape]:
    shape: Any = operation.input_shape
    return {} if shape is None else shape.members


def _errors(parameters: Mapping[str, Any], operation: OperationModel) -> str:
    """What the description does not allow, in one line; empty when all is well."""
    if operation.input_shape is None:
        return ""
    return " ".join(ParamValidator().validate(parameters, operation.input_shape).generate_report().split())


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _bytes(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode("utf-8")
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    raise ValueError("its input cannot be sent as a body")
