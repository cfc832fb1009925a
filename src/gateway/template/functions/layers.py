"""Layer versions that the template declares, by the ARN functions refer to them with."""

from __future__ import annotations

from typing import Final

from gateway.model.function import Layer
from gateway.template.findings import Findings
from gateway.template.functions.code import read_code
from gateway.template.properties import Properties
from gateway.template.template import Template

_LAYER_VERSION: Final = "AWS::Lambda::LayerVersion"


class Layers:
    """Reads a layer when the first function uses it, and remembers the ARNs that are not of this template."""

    def __init__(self, template: Template) -> None:
        self._template = template
        unused = template.findings.draft()  # a layer whose name cannot be known is reported where it is used
        self._by_arn = {template.reference(layer, unused): layer for layer in template.of_type(_LAYER_VERSION)}
        self.foreign: dict[str, None] = {}

    def read(self, properties: Properties, findings: Findings) -> tuple[Layer, ...]:
        """The layers of one function that can be had, in its order."""
        found = (self._layer(arn, findings) for arn in properties.texts("Layers") or ())
        return tuple(layer for layer in found if layer is not None)

    def _layer(self, arn: str, findings: Findings) -> Layer | None:
        declared = self._by_arn.get(arn)
        if declared is None:
            self.foreign[arn] = None
            return None
        # A layer whose code cannot be had is left out like one of another template: the function may do without.
        draft = findings.draft()
        code = read_code(self._template.properties(declared, draft), "Content", self._template.path)
        findings.take(draft, instead_of_stopping="the layer is left out")
        return Layer(findings.origin(declared.logical_id), code) if code is not None else None
