"""What is answered to bytes that are no request, or not in time, whoever reads them."""

from __future__ import annotations

from typing import Final

from gateway.wire.handshake import refusal

BAD_REQUEST: Final = refusal(400, "Bad Request")
REQUEST_TIMEOUT: Final = refusal(408, "Request Timeout")
HEAD_TOO_LARGE: Final = refusal(431, "Request Header Fields Too Large")
