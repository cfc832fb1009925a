from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.model.errors import SettingsError, UserError
from gateway.settings.kinds import HostPort
from gateway.settings.serve import ServeSettings
from gateway.settings.sources import Effective, Origin, Source, document_of, from_document, load_settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def file(text: str, name: str = "wsfleet.toml") -> Path:
    path = Path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def load(config: Path | None = None, environ: dict[str, str] | None = None, **flags: object) -> Effective:
    return load_settings(flags, config, environ or {})


def problems(config: Path | None = None, environ: dict[str, str] | None = None, **flags: object) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load(config, environ, **flags)
    return [str(each) for each in raised.value.problems]


def test_nothing_said_is_all_defaults() -> None:
    found = load()
    assert found.settings == ServeSettings()
    assert set(found.sources.values()) == {Source(Origin.DEFAULT)}


@pytest.mark.parametrize(
    ("in_file", "in_environment", "flag", "value", "source"),
    [
        ("5", "", None, 5, Source(Origin.FILE, "wsfleet.toml:2")),
        ("5", "6", None, 6, Source(Origin.ENVIRONMENT, "WSFLEET_WORKERS")),
        ("5", "6", "7", 7, Source(Origin.FLAG, "--workers")),
        (None, "6", None, 6, Source(Origin.ENVIRONMENT, "WSFLEET_WORKERS")),
        ("5", "", "7", 7, Source(Origin.FLAG, "--workers")),
    ],
)
def test_the_later_place_wins(
    in_file: str | None, in_environment: str, flag: str | None, value: int, source: Source
) -> None:
    if in_file:
        file(f"# ours\nworkers = {in_file}")
    found = load(environ={"WSFLEET_WORKERS": in_environment}, workers=flag)
    assert (found.settings.workers, found.sources["workers"]) == (value, source)


@pytest.mark.parametrize(
    ("environ", "region", "place"),
    [
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1", "AWS_DEFAULT_REGION"),
        ({"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-2"}, "eu-west-2", "AWS_REGION"),
        ({"WSFLEET_REGION": "eu-west-3", "AWS_REGION": "eu-west-2"}, "eu-west-3", "WSFLEET_REGION"),
    ],
)
def test_a_setting_with_further_variables(environ: dict[str, str], region: str, place: str) -> None:
    file('region = "sa-east-1"')
    found = load(environ=environ)
    assert (found.settings.region, found.sources["region"]) == (region, Source(Origin.ENVIRONMENT, place))


def test_every_kind_from_a_file() -> None:
    file(
        'api = "app/template.yaml"\nadvertise = "10.0.0.7:7000"\nno_auth = true\nlease_seconds = 2\n'
        'tls_port = 8443\nlog_dir = "-"\nca_bundle = "/etc/ca.pem"\n[parameter_overrides]\nStage = "prod"\nCount = 3\n',
        "conf/fleet.toml",
    )
    found = load(Path("conf/fleet.toml")).settings
    assert found.api == Path("conf/app/template.yaml")
    assert found.advertise == HostPort("10.0.0.7", 7000)
    assert (found.no_auth, found.lease_seconds, found.tls_port) == (True, 2.0, 8443)
    assert (found.log_folder, found.ca_bundle) == (None, Path("/etc/ca.pem"))
    assert found.parameter_overrides == {"Stage": "prod", "Count": "3"}


def test_the_file_can_be_named_by_a_variable_and_by_a_flag() -> None:
    file("workers = 2")
    one, other = file("workers = 3", "a.toml"), file("workers = 4", "b.toml")
    assert load(environ={"WSFLEET_CONFIG": str(one)}).settings.workers == 3
    assert load(other, {"WSFLEET_CONFIG": str(one)}).settings.workers == 4
    with pytest.raises(UserError, match=r"nope\.toml does not exist"):
        load(environ={"WSFLEET_CONFIG": "nope.toml"})


def test_the_template_of_this_folder_is_found() -> None:
    assert load().settings.api is None
    Path("template.yml").touch()
    assert load().settings.api == Path("template.yml")
    assert load(api="other.yaml").settings.api == Path("other.yaml")


def test_everything_wrong_is_told_at_once() -> None:
    file('port = 8080\nlease_second = 5\nlog-dir = "x"\nlease_seconds = 0.5\n[serve]\nworkers = 2\n')
    assert problems(environ={"WSFLEET_WORKER": "2", "WSFLEET_DRAIN_SECONDS": "long"}, port="http") == [
        "wsfleet.toml:2: lease_second: no such setting\n  hint: did you mean lease_seconds?",
        "wsfleet.toml:3: log-dir: no such setting\n  hint: did you mean log_dir?",
        "wsfleet.toml:5: serve: no such setting\n  hint: `wsfleet config` shows every setting",
        "WSFLEET_WORKER: no such setting\n  hint: did you mean WSFLEET_WORKERS?",
        "--port: 'http' is no whole number from 0 to 65535\n  hint: For ws:// and http://; 0 takes a free one.",
        "wsfleet.toml:4: lease_seconds: 0.5 is no number from 1 to 3600\n"
        "  hint: How long a node that is not heard of counts as alive.",
        "WSFLEET_DRAIN_SECONDS: 'long' is no number from 0 to 86400\n"
        "  hint: How long closing all sockets is spread when a node leaves.",
    ]


def test_what_is_overridden_must_be_right_all_the_same() -> None:
    file("workers = 0")
    assert problems(workers="2")[0].startswith("wsfleet.toml:1: workers: 0 is no whole number from 1 to 64")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"port": "9000", "tls_port": "9000"}, "port and tls_port cannot both be 9000"),
        ({"advertise": "h:65535", "workers": "2"}, "advertise: port 65535 and 1 more go beyond 65535"),
        ({"ready_file": "nope/ready.json"}, "ready_file: nope is no folder"),
        ({"tls_key_file": "k", "tls_port": "0"}, "tls_key_file: there is no certificate to it"),
        ({"tls_cert_file": "c"}, "tls_cert_file: no port speaks TLS"),
        ({"tls_cert_dir": "d"}, "tls_cert_file: no port speaks TLS"),
        ({"tls_client_ca_file": "a", "tls_port": "0"}, "tls_client_ca_file: clients are asked for certificates only"),
        (
            {"tls_client_certs": "required", "tls_cert_dir": "d", "tls_port": "0"},
            "tls_client_certs: required, and nobody vouches for clients",
        ),
        ({"proxy_protocol": "required"}, "proxy_protocol: nobody is trusted"),
    ],
)
def test_what_does_not_go_together(flags: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(flags, None, {})
    (told,) = map(str, raised.value.problems)
    assert told.startswith(said)


def test_what_goes_together() -> None:
    assert load(port="0", tls_port="0", ready_file="ready.json", advertise="h:65535").settings.tls_port == 0


def test_a_worker_reads_what_its_parent_wrote() -> None:
    settings = load(
        api="t.yaml",
        advertise="[fd00::1]:7000",
        tls_port="8443",
        parameter_overrides=("A=1", "B=x y"),
        no_auth=True,
        tls_cert_dir="certs",
        trusted_proxies="10.0.0.0/8,2001:db8::/32",
        proxy_protocol="required",
    ).settings
    assert from_document(json.loads(json.dumps(document_of(settings)))) == settings


@pytest.mark.parametrize("change", [{"colour": "red"}, {"workers": 0}])
def test_what_no_parent_wrote_is_refused(change: dict[str, int | str]) -> None:
    with pytest.raises(ValueError, match=r"colour|whole number"):
        from_document({**document_of(ServeSettings()), **change})
