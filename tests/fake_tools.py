"""Programs for a PATH of a test's own: interpreters that lie, and an npm that installs without a registry."""

from __future__ import annotations

import sys
from pathlib import Path

_NPM = '''#!{python}
"""Makes node_modules/<name>/package.json of every dependency, as npm install does; "fail" anywhere makes it fail."""
import json, os, sys
assert sys.argv[1] == "install", sys.argv
with open("package.json") as file:
    manifest = json.load(file)
assert "scripts" not in manifest and "--omit=dev" in sys.argv
if "fail" in manifest["dependencies"]:
    sys.exit("npm error 404 Not Found - fail")
for name, version in manifest["dependencies"].items():
    os.makedirs("node_modules/" + name)
    with open("node_modules/" + name + "/package.json", "w") as file:
        json.dump(dict(name=name, version=version, beside=sorted(os.listdir("."))), file)
open("package-lock.json", "w").close()
'''


def program(folder: Path, name: str, text: str) -> Path:
    """An executable script."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def says(folder: Path, name: str, line: str, status: int = 0) -> Path:
    """A program that prints one line, whatever it is asked."""
    return program(folder, name, f"#!/bin/sh\ncat <<'END'\n{line}\nEND\nexit {status}\n")


def fake_npm(folder: Path) -> Path:
    return program(folder, "npm", _NPM.replace("{python}", sys.executable))
