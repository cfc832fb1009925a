from __future__ import annotations

import io
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.model.errors import UserError
from gateway.public_tls import open_certificates, served_files
from gateway.report.outlets import outlets
from gateway.settings import ServeSettings
from gateway.tls.served_files import ClientCerts
from gateway.tls.served_pair import PairFiles
from node_doubles import ManualClock
from served_certificates import outside_authority
from server_fakes import until
from tls_agreement import agree

CERT, KEY, CA = Path("a.crt"), Path("a.key"), Path("ca.crt")


def test_the_key_is_with_its_certificate_unless_it_is_elsewhere() -> None:
    assert served_files(ServeSettings(tls_cert_file=CERT)).pair == PairFiles(CERT, CERT)
    assert served_files(ServeSettings(tls_cert_file=CERT, tls_key_file=KEY)).pair == PairFiles(CERT, KEY)
    assert served_files(ServeSettings(tls_cert_dir=Path("d"))).pair is None


@pytest.mark.parametrize(
    ("said", "authorities", "asked"),
    [
        (None, None, ClientCerts.OFF),
        (None, CA, ClientCerts.OPTIONAL),
        ("off", CA, ClientCerts.OFF),
        ("required", CA, ClientCerts.REQUIRED),
    ],
)
def test_whether_clients_are_asked(said: str | None, authorities: Path | None, asked: ClientCerts) -> None:
    settings = ServeSettings(tls_cert_file=CERT, tls_client_certs=said, tls_client_ca_file=authorities)
    assert served_files(settings).client_certs is asked


async def test_certificates_are_followed_as_long_as_the_node_serves(tmp_path: Path) -> None:
    out = io.StringIO()
    log = outlets("text", out, io.StringIO(), ManualClock()).report
    authority, cert, key = outside_authority(), tmp_path / "a.crt", tmp_path / "a.key"
    async with AsyncExitStack() as stack:
        assert open_certificates(stack, ServeSettings(), log) is None
        settings = ServeSettings(tls_cert_file=cert, tls_key_file=key)
        with pytest.raises(UserError):
            open_certificates(stack, settings, log)
        authority.sign("a.example").put(cert, key)
        certificates = open_certificates(stack, settings, log)
        assert certificates is not None
        assert agree(certificates.context(), authority.client_context(), "a.example").names == ("a.example",)
        authority.sign("b.example").put(cert, key)
        certificates.reload()
        await until(lambda: "serves the certificates of b.example" in out.getvalue())
