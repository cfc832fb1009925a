from __future__ import annotations

from pathlib import Path

import pytest

from gateway.invoke.launch import LaunchError
from gateway.invoke.node_packages import is_managed, managed_imports, read_manifest, section, without_installed


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import { X } from '@aws-sdk/client-dynamodb'", {"@aws-sdk/client-dynamodb"}),
        ('import {\n  X,\n} from "@aws-sdk/lib-dynamodb/dist/x.js"', {"@aws-sdk/lib-dynamodb"}),
        ("import '@smithy/util-utf8'", {"@smithy/util-utf8"}),
        ("const x = await import(`@aws-sdk/a`)", {"@aws-sdk/a"}),
        ("var AWS=require('aws-sdk')", {"aws-sdk"}),
        ("const S3 = require ( 'aws-sdk/clients/s3' )", {"aws-sdk"}),
        ('var a=require("@aws-sdk/a"),b=require("@aws-sdk/b")', {"@aws-sdk/a", "@aws-sdk/b"}),
        ("createRequire(import.meta.url)('aws-sdk')", {"aws-sdk"}),
        ('import{X as a}from"@aws-sdk/a";var y=__require("@aws-sdk/b")', {"@aws-sdk/a", "@aws-sdk/b"}),
        ('{name:"@aws-sdk/a",dependencies:{"@aws-sdk/b":"1"}}', set()),
        ("export * from '@aws-sdk/a'", {"@aws-sdk/a"}),
        ("require('aws-sdk-mock'); require('not-aws-sdk'); require('@aws-sdkx/a'); 'aws-sdk'", set()),
        ("require(name + 'aws-sdk')", set()),
    ],
)
def test_sdk_imports_are_found(tmp_path: Path, source: str, names: set[str]) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "x.mjs").write_text(source)
    assert managed_imports(tmp_path) == names


@pytest.mark.parametrize("path", ["node_modules/x/i.js", ".git/i.js", "readme.md", "i.json", "i.ts"])
def test_only_own_sources_are_searched(tmp_path: Path, path: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text("require('aws-sdk')")
    (tmp_path / "dangling.js").symlink_to("nowhere")
    (tmp_path / "folder.js").mkdir()
    assert managed_imports(tmp_path) == set()


def test_packages_are_found_as_node_finds_them(tmp_path: Path) -> None:
    root = tmp_path / "app" / "src"
    modules = tmp_path / "cache" / "node_modules"
    places = {"own": root, "above": tmp_path / "app", "@s/cached": modules.parent}
    for name, place in places.items():
        (place / "node_modules" / name).mkdir(parents=True)
        (place / "node_modules" / name / "package.json").write_text("{}")
    (root / "node_modules" / "empty").mkdir()
    assert without_installed([*places, "empty", "absent"], root, [modules]) == {"empty", "absent"}
    assert without_installed(["@s/cached"], root) == {"@s/cached"}


def test_manifests_are_read_kindly(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
    (tmp_path / "package.json").write_text('\ufeff{"dependencies": {"a": "1"}, "devDependencies": []}', "utf-8")
    manifest = read_manifest(tmp_path)
    assert section(manifest, "dependencies") == {"a": "1"}
    assert section(manifest, "devDependencies") == section(manifest, "none") == section(None, "none") == {}


@pytest.mark.parametrize(("text", "why"), [("{", "is not valid JSON"), ("[]", "holds no JSON object")])
def test_broken_manifests_are_named(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "package.json").write_text(text)
    with pytest.raises(LaunchError, match=f"{tmp_path}/package.json {why}"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("name", "managed"),
    [("aws-sdk", True), ("@aws-sdk/x", True), ("@smithy/x", True), ("aws-sdk-mock", False), ("@aws-sdk", False)],
)
def test_what_managed_runtimes_bring(name: str, managed: bool) -> None:
    assert is_managed(name) is managed
