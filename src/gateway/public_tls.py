"""The certificates that clients of a fleet's node see, from the settings."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from gateway.report.report import Report
from gateway.settings import ServeSettings
from gateway.tasks import Tasks

if TYPE_CHECKING:
    from gateway.tls.renewal import Renewal
    from gateway.tls.served_files import ServedFiles


def open_certificates(stack: AsyncExitStack, settings: ServeSettings, log: Report) -> Renewal | None:
    """Followed until ``stack`` unwinds; None for those of the node's own authority. Raises UserError."""
    if not settings.has_certificates:
        return None
    from gateway.tls.renewal import Renewal  # brings cryptography: 10 MB for who has certificates of files

    renewal = Renewal(served_files(settings), log)
    tasks = Tasks(log.failed)
    stack.push_async_callback(tasks.close)
    tasks.start(renewal.follow(), "watching certificates")
    return renewal


def served_files(settings: ServeSettings) -> ServedFiles:
    """Of settings that have certificates."""
    from gateway.tls.served_files import ClientCerts, ServedFiles
    from gateway.tls.served_pair import PairFiles

    pair = None
    if settings.tls_cert_file is not None:
        pair = PairFiles(settings.tls_cert_file, settings.tls_key_file or settings.tls_cert_file)
    asked = settings.tls_client_certs or ("off" if settings.tls_client_ca_file is None else "optional")
    return ServedFiles(pair, settings.tls_cert_dir, ClientCerts(asked), settings.tls_client_ca_file)
