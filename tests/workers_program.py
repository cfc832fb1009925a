"""``wsfleet serve --workers N`` with workers that are doubles, as a program: settings as JSON, the doubles' folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from gateway.model.errors import UserError
from gateway.report.json_log import JsonLog
from gateway.settings import from_document
from gateway.system.clock import SystemClock
from gateway.workers.parent import Pace, serve_workers

DOUBLE = Path(__file__).with_name("worker_double.py")
PACE = Pace(first_s=0.01, longest_s=0.04, poll_s=0.01, idle_s=0.01, end_s=0.2)


def main(settings: str, folder: str) -> int:
    log = JsonLog(sys.stdout, SystemClock())
    try:
        return serve_workers(
            from_document(json.loads(settings)), log, (sys.executable, "-I", str(DOUBLE), folder), PACE
        )
    except UserError as error:
        log.failed(error.message)
        return 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
