from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from gateway.control.disk import read_definition
from gateway.model.errors import UserError
from gateway.preparing import Preparation
from gateway.template.options import LoadOptions

TEMPLATE = Path(__file__).parents[1] / "template.yaml"
OPTIONS = LoadOptions("sample", "us-east-1", aws_endpoint_url="http://127.0.0.1:1")


async def test_a_template_is_read_as_it_would_be_here() -> None:
    preparation = Preparation()
    try:
        assert await preparation.read(TEMPLATE, OPTIONS) == read_definition(TEMPLATE, OPTIONS)
        with pytest.raises(UserError, match="is a folder"):
            await preparation.read(TEMPLATE.parent, OPTIONS)
    finally:
        preparation.close()


async def test_an_authority_is_opened_with_what_servers_need(tmp_path: Path) -> None:
    preparation = Preparation()
    try:
        authority = await preparation.authority(tmp_path / "tls", ("gateway.test",), (), (("gateway.test",), ()))
        with pytest.raises(UserError, match="cannot be used"):
            await preparation.authority(TEMPLATE / "no folder", (), (), ())
    finally:
        preparation.close()
    assert isinstance(authority.server_context(("gateway.test",)), ssl.SSLContext)
    assert authority.bundle_path.read_bytes().endswith((tmp_path / "tls" / "ca.pem").read_bytes())
