"""What layers add to a function's search paths, folder by folder as Lambda's documentation lists them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.invoke.code import CodeFolders
from gateway.invoke.runtimes import Family, Runtime

# What a built layer has at its top; one that has none of these is the source that a build would move into place.
LAYER_FOLDERS: Final = ("python", "nodejs", "bin", "lib", "java", "ruby", "extensions", "dotnet")


@dataclass(frozen=True, slots=True)
class Opt:
    """Folders for the search paths, strongest first; ``unbuilt`` are layers used as their sources lie."""

    python: tuple[Path, ...] = ()
    node: tuple[Path, ...] = ()
    programs: tuple[Path, ...] = ()
    libraries: tuple[Path, ...] = ()
    unbuilt: tuple[Path, ...] = ()


def opt_of(folders: CodeFolders, runtime: Runtime) -> Opt:
    """Only folders that exist, apart from those of another runtime's family."""
    if folders.opt is None:
        return Opt()
    unbuilt = tuple(layer for layer in reversed(folders.layers) if _is_source(layer))
    opt = folders.opt
    python = [opt / f"python/lib/python3.{runtime.version}/site-packages", opt / "python"]
    node = [opt / f"nodejs/node{runtime.version}/node_modules", opt / "nodejs/node_modules"]
    return Opt(
        python=(*_existing(*python), *unbuilt) if runtime.family is Family.PYTHON else (),
        node=(*_existing(*node), *unbuilt) if runtime.family is Family.NODE else (),
        programs=_existing(opt / "bin"),
        libraries=_existing(opt / "lib"),
        unbuilt=unbuilt,
    )


def _is_source(layer: Path) -> bool:
    return not any((layer / name).is_dir() for name in LAYER_FOLDERS)


def _existing(*folders: Path) -> tuple[Path, ...]:
    return tuple(folder for folder in folders if folder.is_dir())
