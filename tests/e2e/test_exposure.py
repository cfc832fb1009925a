"""What a gateway leaves readable on its machine, and what it says of being reachable from others."""

from __future__ import annotations

from pathlib import Path

from gateway_process import started
from private_files import open_to_others

# An address of this machine alone, but not written as one: nothing is opened to a network here.
SOMEWHERE = "127.1"


def test_a_gateway_on_a_network_warns_and_keeps_its_state_to_itself(tmp_path: Path) -> None:
    with started("life", tmp_path, "--host", SOMEWHERE) as gateway:
        gateway.output.shows(f"nobody's signature is checked: whoever reaches {SOMEWHERE} can speak to every client")
        assert open_to_others(gateway.state) == []
        assert any(gateway.state.rglob("authority.pem"))
