"""What a resource is to everybody who refers to it: the value of ``Ref`` and of each ``Fn::GetAtt``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.template.closest import did_you_mean
from gateway.template.unresolvable import Unresolvable


@dataclass(frozen=True, slots=True)
class Identity:
    """``open_ended`` says that not all attributes are known here: any other name gives a made-up, stable text.
    ``secretive`` says why none can be known at all, empty otherwise. ``naming`` is the property that names the
    resource and the name it has, declared or made up; None for types without such a property."""

    type: str
    ref: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    open_ended: bool = False
    secretive: str = ""
    naming: tuple[str, str] | None = None

    def attribute(self, name: str) -> str:
        """The value of an attribute. Raises Unresolvable for one the type does not have."""
        if name in self.attributes:
            return self.attributes[name]
        if self.secretive:
            raise Unresolvable(f"{name} of {self.type} cannot be known here", self.secretive)
        if self.open_ended:
            return f"{self.ref}.{name}"
        hint = did_you_mean(name, self.attributes, f"it has {', '.join(sorted(self.attributes)) or 'none'}")
        raise Unresolvable(f"{self.type} has no attribute {name!r}", hint)
