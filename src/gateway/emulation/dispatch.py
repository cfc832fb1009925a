"""Which of moto's services a request is for.

moto goes by the signature's credential scope, whatever the host. Unsigned and presigned requests are told apart here,
by ``X-Amz-Credential`` in the query or by the host name: a handler that hard-codes
``https://sqs.us-east-1.amazonaws.com`` is led to this process by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs

from flask import Flask
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from gateway.emulation.chosen_ids import allow_chosen_key_ids
from gateway.emulation.one_at_a_time import OneAtATime
from gateway.emulation.surroundings import Surroundings

_AWS_HOST: Final = re.compile(r"[a-z0-9.-]+\.(?:amazonaws\.com(?:\.cn)?|api\.aws)")


class Dispatcher(DomainDispatcherApplication):
    """The WSGI application; services are loaded when first asked for."""

    def __init__(self, surroundings: Surroundings) -> None:
        def create(service: Any) -> Flask:
            return _create(service, surroundings)

        create_app: Callable[[Any], Flask] = create
        super().__init__(create_app)

    def load(self, service: str) -> None:
        """Now, and not with its first request."""
        self.get_application({"HTTP_HOST": f"{service}.us-east-1.amazonaws.com", "PATH_INFO": "/"})

    def infer_service_region_host(self, environ: dict[str, Any], path: str) -> str | None:
        if "HTTP_AUTHORIZATION" not in environ:
            scope = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential")
            if scope:
                signed = {**environ, "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={scope[0]}"}
                return super().infer_service_region_host(signed, path)
            host = environ.get("HTTP_HOST", "").partition(":")[0].lower()
            if _AWS_HOST.fullmatch(host) and self.get_backend_for_host(host):
                return str(host)
        return super().infer_service_region_host(environ, path)


def _create(service: Any, surroundings: Surroundings) -> Flask:
    if service == "kms":
        allow_chosen_key_ids()
    if service == "stepfunctions":
        from gateway.emulation.executions import run_state_machines

        run_state_machines(surroundings)
    app: Flask = create_backend_app(service)
    if service == "dynamodb":
        app.wsgi_app = OneAtATime(app.wsgi_app)  # type: ignore[method-assign]  # as Flask's documentation does it
    return app
