"""Lets whoever creates a KMS key choose the ID that AWS would make up.

A template refers to its keys and secrets before they exist, so the emulator must use the IDs those references already
carry. The choice travels as the tag ``_custom_id_``. moto honours it for secrets (the six characters that end the ARN),
not for keys, so one of its methods is wrapped here; LocalStack honours it for both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from inspect import signature
from typing import Any, Final

CHOSEN_ID_TAG: Final = "_custom_id_"


@cache
def allow_chosen_key_ids() -> None:
    """From now on moto's CreateKey in this process honours the tag."""
    from moto.kms.models import KmsBackend

    create_key: Callable[..., Any] = KmsBackend.create_key
    parameters = signature(create_key)

    def create_key_as_chosen(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = parameters.bind(self, *args, **kwargs)
        tags = call.arguments.get("tags") or []
        key = create_key(*call.args, **call.kwargs)
        chosen = next((tag["TagValue"] for tag in tags if tag["TagKey"] == CHOSEN_ID_TAG), None)
        if chosen is not None and chosen not in self.keys:
            self.keys[chosen] = self.keys.pop(key.id)
            self.tagger.delete_all_tags_for_resource(key.id)
            key.arn = key.arn.replace(key.id, chosen)
            key.id = chosen
            self.tagger.tag_resource(chosen, tags)
        return key

    KmsBackend.create_key = create_key_as_chosen  # type: ignore[method-assign]
