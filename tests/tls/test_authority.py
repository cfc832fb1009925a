from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import stat
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import certifi
import pytest
from botocore.config import Config

from gateway.model.errors import UserError
from gateway.tls.authority import Authority, open_authority
from tls_server import tls_server

API_HOST = "abcdefghij.execute-api.us-east-1.amazonaws.com"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "state"


@pytest.fixture
def authority(state: Path) -> Authority:
    return open_authority(state)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_are_private_whatever_the_umask(state: Path) -> None:
    before = os.umask(0)
    try:
        open_authority(state)
    finally:
        os.umask(before)
    assert mode(state) == 0o700
    assert mode(state / "authority.pem") == 0o600
    assert {path.name for path in state.iterdir()} == {"authority.lock", "authority.pem", "ca.pem", "ca-bundle.pem"}


def test_a_key_that_others_could_read_is_closed_again(authority: Authority) -> None:
    key = authority.folder / "authority.pem"
    key.chmod(0o644)
    authority.folder.chmod(0o755)
    open_authority(authority.folder)
    assert (mode(key), mode(authority.folder)) == (0o600, 0o700)


def test_the_second_start_uses_the_first_ones_authority(authority: Authority) -> None:
    stamps = {path: path.stat().st_mtime_ns for path in authority.folder.glob("*.pem")}
    again = open_authority(authority.folder)
    assert again.pair.certificate == authority.pair.certificate
    assert {path: path.stat().st_mtime_ns for path in authority.folder.glob("*.pem")} == stamps


def test_many_starts_at_once_agree(state: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(open_authority, [state] * 16))
    assert len({one.pair.certificate_pem() for one in made}) == 1
    assert made[0].certificate_path.read_bytes() == made[0].pair.certificate_pem()


def test_bundle_holds_the_public_roots_and_ours(authority: Authority, tmp_path: Path) -> None:
    other = open_authority(tmp_path / "other").certificate_path
    bundle = open_authority(authority.folder, extra_roots=[other]).bundle_path
    trusted = ssl.create_default_context(cafile=str(bundle)).get_ca_certs(binary_form=True)
    public = ssl.create_default_context(cafile=certifi.where()).get_ca_certs(binary_form=True)
    assert len(trusted) == len(public) + 2


def test_a_missing_extra_root_is_named(state: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.pem cannot be read: No such file"):
        open_authority(state, extra_roots=[tmp_path / "absent.pem"])


def test_renewal_keeps_the_key_so_that_old_leaves_stay_valid(authority: Authority) -> None:
    later = datetime.now(UTC) + timedelta(days=3400)
    renewed = open_authority(authority.folder, now=lambda: later)
    assert renewed.pair.certificate != authority.pair.certificate
    assert renewed.pair.certificate.not_valid_after_utc > later + timedelta(days=3000)
    assert renewed.pair.key.private_numbers() == authority.pair.key.private_numbers()
    assert renewed.certificate_path.read_bytes() == renewed.pair.certificate_pem()


@pytest.mark.parametrize(
    "content", [b"", b"rubbish", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_damaged_authority_says_what_to_delete(authority: Authority, content: bytes) -> None:
    path = authority.folder / "authority.pem"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        open_authority(authority.folder)
    assert "is damaged" in caught.value.message
    assert f"delete {path}" in caught.value.hint
    assert path.read_bytes() == content


def test_a_folder_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(UserError, match="cannot be used: File exists"):
        open_authority(tmp_path / "state")


def test_lost_public_files_come_back(authority: Authority) -> None:
    authority.certificate_path.unlink()
    authority.bundle_path.write_text("cut")
    assert open_authority(authority.folder).certificate_path.read_bytes() == authority.pair.certificate_pem()
    assert authority.bundle_path.stat().st_size > 100_000


def get(url: str, cafile: Path) -> int:
    context = ssl.create_default_context(cafile=str(cafile))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with urllib.request.urlopen(url, context=context, timeout=10) as response:
        return int(response.status)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_python_accepts_this_machine(authority: Authority, host: str) -> None:
    async with tls_server(authority.server_context()) as server:
        assert await asyncio.to_thread(get, f"https://{host}:{server.port}/", authority.certificate_path) == 200
        assert await asyncio.to_thread(get, f"https://{host}:{server.port}/", authority.bundle_path) == 200


async def handshake(port: int, authority: Authority, name: str, *, oldest: bool = False) -> str | None:
    trust = ssl.create_default_context(cafile=str(authority.bundle_path))
    trust.verify_flags |= ssl.VERIFY_X509_STRICT
    trust.set_alpn_protocols(["h2", "http/1.1"])
    if oldest:
        trust.maximum_version = ssl.TLSVersion.TLSv1_2
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname=name)
    chosen: str | None = writer.get_extra_info("ssl_object").selected_alpn_protocol()
    writer.close()
    await writer.wait_closed()
    return chosen


@pytest.mark.parity("P-017")
@pytest.mark.parametrize("name", [API_HOST, "ws.example.com", "192.168.7.5", "::1", "localhost"])
@pytest.mark.parametrize("oldest", [False, True])
async def test_further_hosts_are_vouched_for(state: Path, name: str, oldest: bool) -> None:
    hosts = ("*.execute-api.us-east-1.amazonaws.com", "ws.example.com", "192.168.7.5", "localhost")
    open_authority(state)  # made before anybody wanted these hosts
    authority = open_authority(state, hosts)
    async with tls_server(authority.server_context(hosts)) as server:
        assert await handshake(server.port, authority, name, oldest=oldest) == "http/1.1"


async def test_a_stolen_key_is_no_use_for_other_names(authority: Authority) -> None:
    async with tls_server(authority.server_context(("bank.example.com",))) as server:
        with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
            await handshake(server.port, authority, "bank.example.com")


@pytest.mark.parametrize("name", ["dynamodb.us-east-1.amazonaws.com", "my.bucket.s3.eu-west-1.amazonaws.com"])
async def test_names_below_a_suffix_are_vouched_for_on_demand(authority: Authority, name: str) -> None:
    async with tls_server(authority.server_context(suffixes=("amazonaws.com",))) as server:
        assert await handshake(server.port, authority, name) == "http/1.1"
        assert await handshake(server.port, authority, name.upper()) == "http/1.1"
        assert await handshake(server.port, authority, "localhost") == "http/1.1"
        with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
            await handshake(server.port, authority, "amazonaws.com.example.com")


async def test_no_key_of_a_server_stays_on_disk(authority: Authority) -> None:
    before = set(authority.folder.iterdir())
    async with tls_server(authority.server_context(suffixes=("amazonaws.com",))) as server:
        await handshake(server.port, authority, API_HOST)
    assert set(authority.folder.iterdir()) == before


async def test_another_program_serves_with_a_leaf_from_a_file(authority: Authority) -> None:
    path = authority.leaf_file("other", ("localhost", "*.us-east-1.amazonaws.com", "localhost"))
    assert mode(path) == 0o600
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    async with tls_server(context) as server:
        assert await handshake(server.port, authority, "sqs.us-east-1.amazonaws.com") is None
    again = authority.leaf_file("other", ("localhost",))
    assert (again, mode(again)) == (path, 0o600)


async def test_boto3_trusts_the_bundle(authority: Authority) -> None:
    async with tls_server(authority.server_context()) as server:
        client = boto3.client(
            "apigatewaymanagementapi",
            endpoint_url=f"https://localhost:{server.port}/prod",
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
            verify=str(authority.bundle_path),
            config=Config(retries={"max_attempts": 0}),
        )
        await asyncio.to_thread(client.post_to_connection, ConnectionId="a=", Data=b"x")
        client.close()
        assert server.requests == [
            {"sni": "localhost", "host": f"localhost:{server.port}", "path": "/prod/@connections/a%3D"}
        ]


NODE_GET = "require('https').get(process.argv[1], r => { console.log(r.statusCode); r.resume() })"


@pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")
async def test_node_trusts_the_authority(authority: Authority) -> None:
    async with tls_server(authority.server_context()) as server:
        node = await asyncio.create_subprocess_exec(
            str(shutil.which("node")), "-e", NODE_GET, f"https://localhost:{server.port}/",
            env={"NODE_EXTRA_CA_CERTS": str(authority.bundle_path)}, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await asyncio.wait_for(node.communicate(), 30)
    assert (out, node.returncode) == (b"200\n", 0)
