"""Runs snippets the way handlers run: with the hooks of this project, an authority to trust and hosts to lead."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.invoke.environment import HostRule
from gateway.invoke.launches import HOOKS
from gateway.invoke.programs import Ended, Programs
from local_processes import LocalProcesses

API_HOST = "abcdefghij.execute-api.us-east-1.amazonaws.com"
TIMEOUT_S = 60.0


def hook_environment(rules: Sequence[HostRule], bundle: Path | None = None) -> dict[str, str]:
    """The variables that make hooks work, for Python and Node alike."""
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(HOOKS),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NODE_OPTIONS": f'--require "{HOOKS / "hook.cjs"}"',
        "WSFLEET_HOSTS": json.dumps([(r.pattern, r.address, r.port, r.plain_port) for r in rules]),
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }
    if bundle is not None:
        names = ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
        env.update(dict.fromkeys(names, str(bundle)))
    return env


async def run_python(code: str, env: Mapping[str, str], cwd: Path, *args: str) -> Ended:
    argv = (sys.executable, "-W", "error", "-c", code, *args)
    return await Programs(LocalProcesses(), env).run(argv, cwd=cwd, timeout_s=TIMEOUT_S)


async def run_node(file: Path, env: Mapping[str, str], *args: str) -> Ended:
    argv = (str(shutil.which("node")), str(file), *args)
    return await Programs(LocalProcesses(), env).run(argv, cwd=file.parent, timeout_s=TIMEOUT_S)
