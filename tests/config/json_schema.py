"""As much of JSON Schema 2020-12 as the site file's schema uses."""

from __future__ import annotations

import re
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "null": (type(None),),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}
_REMARKS = {"$defs", "$schema", "default", "description", "discriminator", "format", "title"}


def accepts(schema: dict[str, Any], value: Any, root: dict[str, Any] | None = None) -> bool:
    """Whether the value is valid; an unknown keyword is an error of the test, not a pass."""
    root = root or schema
    return all(_holds(name, demand, schema, value, root) for name, demand in schema.items() if name not in _REMARKS)


def definition(root: dict[str, Any], reference: str) -> dict[str, Any]:
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    assert isinstance(found, dict)
    return found


def _holds(name: str, demand: Any, schema: dict[str, Any], value: Any, root: dict[str, Any]) -> bool:  # noqa: C901, PLR0911, PLR0912
    match name:
        case "$ref":
            return accepts(definition(root, demand), value, root)
        case "type":
            return isinstance(value, _TYPES[demand]) and (demand == "boolean" or not isinstance(value, bool))
        case "const":
            return bool(value == demand)
        case "enum":
            return value in demand
        case "oneOf":
            return sum(accepts(option, value, root) for option in demand) == 1
        case "anyOf":
            return any(accepts(option, value, root) for option in demand)
        case "required":
            return not isinstance(value, dict) or set(demand) <= set(value)
        case "properties":
            return not isinstance(value, dict) or all(
                accepts(demand[key], item, root) for key, item in value.items() if key in demand
            )
        case "patternProperties":
            return not isinstance(value, dict) or all(
                accepts(inner, item, root)
                for pattern, inner in demand.items()
                for key, item in value.items()
                if re.search(pattern, key)
            )
        case "additionalProperties" if demand is False:
            return not isinstance(value, dict) or set(value) <= set(schema["properties"])
        case "items":
            return not isinstance(value, list) or all(accepts(demand, item, root) for item in value)
        case "prefixItems":
            return not isinstance(value, list) or all(
                accepts(inner, item, root) for inner, item in zip(demand, value, strict=False)
            )
        case "minItems":
            return not isinstance(value, list) or len(value) >= demand
        case "maxItems":
            return not isinstance(value, list) or len(value) <= demand
        case "pattern":
            return not isinstance(value, str) or re.search(demand, value) is not None
        case "minLength":
            return not isinstance(value, str) or len(value) >= demand
        case "maxLength":
            return not isinstance(value, str) or len(value) <= demand
        case "minimum":
            return not isinstance(value, int | float) or value >= demand
        case "maximum":
            return not isinstance(value, int | float) or value <= demand
        case "exclusiveMinimum":
            return not isinstance(value, int | float) or value > demand
    raise AssertionError(f"the test knows no keyword {name!r}")
