from __future__ import annotations

from pathlib import Path

import pytest

from gateway.model.errors import UserError
from gateway.settings.serve import ServeSettings
from gateway.settings.setting import settings_of


def test_every_field_is_explained() -> None:
    for each in settings_of(ServeSettings):
        assert each.about.doc.endswith("."), each.name
        assert each.value is not None or each.about.default, f"{each.name}: None is not explained"


def test_defaults_are_of_their_kinds() -> None:
    for each in settings_of(ServeSettings):
        assert each.value is None or each.about.kind.read(each.default) == each.value


def test_every_time_says_its_unit() -> None:
    for each in settings_of(ServeSettings):
        assert (each.about.unit == "s") == each.name.endswith("_seconds"), each.name


def test_files_of_the_state_folder(tmp_path: Path) -> None:
    settings = ServeSettings(state_dir=tmp_path)
    assert settings.key_file == tmp_path / "fleet.key"
    assert settings.directories.state == tmp_path
    assert ServeSettings(fleet_key_file=Path("k")).key_file == Path("k").absolute()


def test_what_sighup_has_read_again() -> None:
    assert not ServeSettings(tls_port=8443).reloads
    assert ServeSettings(tls_cert_file=Path("c")).reloads
    assert ServeSettings(tls_cert_dir=Path("d")).reloads


def test_folders_are_absolute() -> None:
    settings = ServeSettings(state_dir=Path("s"), cache_dir=Path("c"), log_dir=Path("l"))
    assert settings.directories.state == Path("s").absolute()
    assert settings.directories.cache == Path("c").absolute()
    assert settings.log_folder == Path("l").absolute()
    assert ServeSettings().log_folder is None


def test_without_a_template_it_is_told() -> None:
    assert ServeSettings(api=Path("t.yaml")).template == Path("t.yaml")
    with pytest.raises(UserError, match=r"no template\.yaml here"):
        _ = ServeSettings().template


def test_the_lease_in_milliseconds() -> None:
    assert ServeSettings(lease_seconds=1.0005).lease_ms == 1000
    assert ServeSettings().lease_ms == 10_000
