"""The names of AWS's regions, from the SDK's own data."""

from __future__ import annotations

from functools import cache

from botocore.session import Session


@cache
def region_names() -> tuple[str, ...]:
    """Every region of every partition that has DynamoDB, sorted; read from files, no network."""
    session = Session()
    partitions = session.get_available_partitions()
    return tuple(sorted({name for each in partitions for name in session.get_available_regions("dynamodb", each)}))
