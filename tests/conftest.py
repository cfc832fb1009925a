"""Fixtures every test may ask for. Started only when one does."""

from __future__ import annotations

from hypothesis import settings

from moto_server import moto_url as moto_url

# How long an example takes is the machine's affair; figures belong in bench/.
settings.register_profile("project", deadline=None)
settings.load_profile("project")
