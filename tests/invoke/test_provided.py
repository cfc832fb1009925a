"""A function that brings its own bootstrap: whatever speaks HTTP."""

from __future__ import annotations

import sys
from pathlib import Path

from real_functions import serving

BOOTSTRAP = f"""#!{sys.executable} -IS
import os
from urllib.request import Request, urlopen

api = f"http://{{os.environ['AWS_LAMBDA_RUNTIME_API']}}/2018-06-01/runtime/invocation"
while True:  # a new connection for every request
    with urlopen(f"{{api}}/next") as event:
        request_id, body = event.headers["Lambda-Runtime-Aws-Request-Id"], event.read()
    if body == b'"leave"':
        raise SystemExit(7)
    with urlopen(Request(f"{{api}}/{{request_id}}/response", b'{{"was": %s}}' % body)) as accepted:
        assert accepted.status == 202
"""


async def test_a_bootstrap_of_its_own(tmp_path: Path) -> None:
    async with serving(tmp_path, {"bootstrap": BOOTSTRAP}, "provided.al2023") as functions:
        assert await functions.value([1]) == {"was": [1]}
        assert await functions.value({"a": "é"}) == {"was": {"a": "é"}}
        assert (await functions.error("leave"))["errorType"] == "Runtime.ExitError"
        assert await functions.value(2) == {"was": 2}


async def test_no_bootstrap(tmp_path: Path) -> None:
    async with serving(tmp_path, {}, "provided.al2023") as functions:
        error = await functions.error()
        assert error["errorType"] == "Runtime.InvalidEntrypoint"
        assert "bootstrap" in str(error["errorMessage"])
