"""Where the code of a function or layer is: a folder, an archive or the template itself."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any, Final

from gateway.model.function import Archive, Code, Folder, Inline
from gateway.template.properties import Properties
from gateway.template.text import as_text

_ARCHIVES: Final = (".zip", ".jar")
_ASSET: Final = "aws:asset:path"  # the CDK's note of where the code of an S3 location was built from
_PACKAGE_HINT: Final = "package the function as a folder or zip"
_LOCAL_HINT: Final = "point it at a folder or zip file on this machine"


def read_code(properties: Properties, name: str, template_path: str) -> Code | None:
    """The code under ``name``; relative paths start at the template's folder."""
    value = properties.value(name)
    if isinstance(value, str):
        return _at(value, properties, name, template_path)
    if isinstance(value, dict):
        return _described(value, properties, name, template_path)
    if value is not None:
        properties.problem(f"{name} must be a path or a mapping", name)
    elif properties.is_absent(name):
        properties.problem(f"{name} is missing", name, _LOCAL_HINT)
    return None


def _described(value: Mapping[str, Any], properties: Properties, name: str, template_path: str) -> Code | None:
    inline = as_text(value.get("ZipFile"))
    if inline is not None:
        return Inline(inline)
    asset = (properties.declared.metadata or {}).get(_ASSET)
    if isinstance(asset, str):
        return _local(asset, template_path)
    if "ImageUri" in value:
        properties.unsupported("a container image (ImageUri)", name, _PACKAGE_HINT)
        return None
    bucket, key = as_text(value.get("S3Bucket")), as_text(value.get("S3Key"))
    where = f"s3://{bucket}/{key}" if bucket and key else "an unknown place"
    properties.problem(f"the code is in {where}, not on this machine", name, _LOCAL_HINT)
    return None


def _at(path: str, properties: Properties, name: str, template_path: str) -> Code | None:
    if "://" in path or not path:
        properties.problem(f"the code is in {path or 'an unknown place'}, not on this machine", name, _LOCAL_HINT)
        return None
    return _local(path, template_path)


def _local(path: str, template_path: str) -> Code:
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(template_path), path))
    return Archive(joined) if joined.lower().endswith(_ARCHIVES) else Folder(joined)
