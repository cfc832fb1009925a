"""The composition root of ``wsfleet serve``."""

from __future__ import annotations

from typing import TextIO

from gateway.model.errors import UserError
from gateway.settings import ServeSettings
from gateway.workers.spec import WorkerSpec


def serve(settings: ServeSettings, out: TextIO, err: TextIO) -> None:
    """Serve as one node until it has left. Raises UserError for what a person can mend."""
    del settings, out, err
    raise UserError("wsfleet serve is not there yet", "use wsfleet run")


def serve_worker(spec: WorkerSpec, out: TextIO, err: TextIO) -> None:
    """The same as one of several, on shared ports; the end of standard input is a SIGTERM too.

    Raises UserError for what a person can mend.
    """
    serve(spec.settings, out, err)
