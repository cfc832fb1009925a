from __future__ import annotations

from pathlib import Path

import click
import pytest

from cli_words import given
from gateway.cli.run import run, run_settings
from gateway.settings import AWS_ITSELF, RunSettings
from gateway.settings.profile import Profile


def parsed(*args: str | Path) -> RunSettings:
    """What ``wsfleet run`` would do with these words."""
    options = given(run, *args)
    return run_settings(options.pop("template"), options.pop("parameters"), options)


class TestRun:
    def test_defaults(self, template: Path) -> None:
        found = parsed(template)
        assert found == RunSettings(template, found.directories)
        assert (found.host, found.port, found.tls_port) == ("localhost", 8080, 8443)
        assert (found.region, found.watch) == ("us-east-1", True)

    def test_everything_given(self, template: Path, tmp_path: Path) -> None:
        variables, ready, roots = tmp_path / "vars.json", tmp_path / "ready.json", tmp_path / "ca.pem"
        variables.touch()
        roots.touch()
        found = parsed(
            template, "--stage", "blue", "--api", "Chat", "--parameter-overrides", "A=1", "--region", "eu-west-1",
            "--host", "0.0.0.0", "--port", "0", "--tls-port", "0", "--endpoint-url", "http://localhost:4566/",
            "--lambda-endpoint-url", "http://localhost:3001/", "--ca-bundle", roots,
            "--env-vars", variables, "--no-watch", "--ready-file", ready, "--log-dir", "logs",
        )  # fmt: skip
        assert found == RunSettings(
            template,
            found.directories,
            stage="blue",
            api="Chat",
            parameters={"A": "1"},
            region="eu-west-1",
            host="0.0.0.0",
            port=0,
            tls_port=0,
            endpoint_url="http://localhost:4566",
            lambda_endpoint_url="http://localhost:3001",
            ca_bundle=roots,
            env_vars=variables,
            watch=False,
            ready_file=ready,
            log_dir=Path("logs"),
        )

    def test_functions_at_aws(self, template: Path) -> None:
        assert parsed(template, "--lambda-endpoint-url", "aws").lambda_endpoint_url == AWS_ITSELF

    @pytest.mark.parametrize("name", ["template.yaml", "template.yml", "template.json"])
    def test_the_template_of_this_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        (tmp_path / name).touch()
        monkeypatch.chdir(tmp_path)
        assert parsed().template == Path(name)

    def test_what_is_lifted_of_awss_limits(self, template: Path) -> None:
        found = parsed(template, "--idle-timeout-seconds", "0", "--max-message-bytes", "1048576")
        assert found.profile == Profile(idle_timeout_seconds=0, max_message_bytes=1_048_576)
        assert (found.limits.idle_timeout_ms, found.limits.max_message_bytes) == (None, 1_048_576)

    def test_what_cannot_be_lifted_so_far(self, template: Path) -> None:
        with pytest.raises(click.BadParameter, match="no whole number from 125 to 16777216"):
            parsed(template, "--max-message-bytes", "16777217")

    def test_the_environment(self, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_REGION", "eu-north-1")
        monkeypatch.setenv("WSFLEET_STATE_DIR", str(tmp_path / "s"))
        found = parsed(template)
        assert found.region == "eu-north-1"
        assert found.directories.state == tmp_path / "s"
