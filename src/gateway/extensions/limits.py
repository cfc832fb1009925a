"""``GET /{stage}/@fleet/limits``: the limits in force on this node, and which of them are not AWS's."""

from __future__ import annotations

from typing import Any

from gateway.model.limits import Limits
from gateway.model.terms import Term, own_terms, profile_terms


def document(limits: Limits) -> dict[str, Any]:
    """``profile`` is ``aws`` as long as nothing was lifted or switched on; a null is no limit."""
    is_aws = not any(term.differs for term in profile_terms(limits))
    terms = (*profile_terms(limits), *own_terms(limits))
    return {"profile": "aws" if is_aws else "own", "limits": [_written(term) for term in terms]}


def _written(term: Term) -> dict[str, Any]:
    return {"name": term.name, "unit": term.unit, "value": term.ours, "aws": term.aws, "differs": term.differs}
