from __future__ import annotations

from pathlib import Path

import pytest

from gateway.emulation.options import EmbeddedOptions, parse


@pytest.mark.parametrize(
    "options",
    [
        EmbeddedOptions(),
        EmbeddedOptions(account_id="111122223333", port=1, tls_port=2),
        EmbeddedOptions(certificate=Path("/a b/c.pem")),
        EmbeddedOptions(certificate=Path("/c.pem"), key=Path("/k.pem")),
        EmbeddedOptions(lambda_url="http://127.0.0.1:1", management_url="http://[::1]:2"),
    ],
)
def test_what_one_end_says_the_other_understands(options: EmbeddedOptions) -> None:
    assert parse(options.arguments()) == options


def test_nonsense_ends_with_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--port", "many"])
    assert ended.value.code == 2
    assert "--port" in capsys.readouterr().err
