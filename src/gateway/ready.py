"""Telling that it serves: the banner for a person, the ready file for a script."""

from __future__ import annotations

import os

from gateway.ground import Ground
from gateway.head_start import EVERYWHERE, bracketed
from gateway.model.definition import Definition
from gateway.model.terms import told_differences
from gateway.report.banner import Ready, banner
from gateway.server.listener import LOOPBACK
from gateway.stage_logs import log_names
from gateway.system.ready_file import write_ready_file


def tell_ready(ground: Ground, definition: Definition) -> None:
    """Raises UserError when the ready file cannot be written."""
    settings, doors = ground.settings, ground.doors
    assert ground.aws.url is not None, "a laptop never stands on AWS itself"
    host = "localhost" if settings.host in EVERYWHERE else bracketed(settings.host)
    plain, secure = f"{host}:{doors.plain.port}", f"{host}:{doors.secure.port}"
    paths = [(api.api_id, stage) for api in definition.apis for stage in api.stages]
    api_id, stage = paths[0]
    ready = Ready(
        api_id=api_id,
        stage=stage,
        websocket_url=f"ws://{plain}/{stage}",
        secure_websocket_url=f"wss://{secure}/{stage}",
        management_url=f"http://{plain}/{stage}",
        ca_bundle=str(ground.authority.bundle_path),
        aws_endpoint_url=ground.aws.url,
        lambda_endpoint_url=f"http://{LOOPBACK}:{doors.functions.port}",
        region=settings.region,
        pid=os.getpid(),
    )
    others = [f"ws://{plain}/{other}" for other in dict.fromkeys(other for _, other in paths) if other != stage]
    logs, differences = log_names(definition, settings.log_folder), told_differences(settings.limits)
    for line in banner(definition, ready, others, "wsfleet", logs, differences):
        ground.console.said(line)
    if settings.ready_file is not None:
        write_ready_file(settings.ready_file, ready.document())
