"""Fixtures every test may ask for. Started only when one does."""

from __future__ import annotations

from moto_server import moto_url as moto_url
