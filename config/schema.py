"""The site file as JSON Schema 2020-12, for editors and other tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from config.model import Kinds, RuleSettings, SiteSettings, VmsSettings

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_REFERENCE = "#/$defs/{model}"


def json_schema(kinds: Kinds) -> dict[str, Any]:
    """Schema of the site file in which a rule or VMS is one of the installed kinds, told apart by ``type``."""
    models: list[type[BaseModel]] = [
        SiteSettings,
        RuleSettings,
        VmsSettings,
        *kinds.rules.values(),
        *kinds.vms.values(),
    ]
    references, generated = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(models)], ref_template=_REFERENCE
    )
    definitions: dict[str, Any] = generated["$defs"]
    named = {model: reference["$ref"].rpartition("/")[2] for (model, _), reference in references.items()}
    originals = {model: definitions[name] for model, name in named.items()}
    for model in {*kinds.rules.values(), *kinds.vms.values()}:
        definitions.pop(named[model], None)
    for base, noun, installed in ((RuleSettings, "rule", kinds.rules), (VmsSettings, "vms", kinds.vms)):
        members = {kind: _of_kind(originals[model], kind) for kind, model in installed.items()}
        definitions |= {f"{noun}.{kind}": member for kind, member in members.items()}
        definitions[named[base]] = _one_of(noun, members) if members else originals[base]
    site = definitions.pop(named[SiteSettings])
    return {"$schema": DIALECT, **site, "title": "Vigie site file", "$defs": dict(sorted(definitions.items()))}


def _of_kind(schema: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """A model's schema for exactly this ``type``."""
    type_of = {**schema["properties"]["type"], "const": kind}
    type_of.pop("default", None)
    required = sorted({*schema.get("required", []), "type"})
    return {**schema, "title": kind, "properties": {**schema["properties"], "type": type_of}, "required": required}


def _one_of(noun: str, kinds: Mapping[str, Any]) -> dict[str, Any]:
    references = {kind: _REFERENCE.format(model=f"{noun}.{kind}") for kind in sorted(kinds)}
    return {
        "oneOf": [{"$ref": reference} for reference in references.values()],
        "discriminator": {"propertyName": "type", "mapping": references},
    }
