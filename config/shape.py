"""Which settings model stands at a place of a document: needed to name known keys and to keep secrets unspoken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import EllipsisType
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config.model import Kinds, RuleSettings, VmsSettings
from config.problems import Location


def models_along(root: type[BaseModel], data: Any, location: Location, kinds: Kinds) -> list[type[BaseModel]]:
    """The models that a location passes through, outermost first, as far as the document can be matched."""
    models: list[type[BaseModel]] = []
    expected: Any = root
    for part in (*location, None):
        model = _model_in(expected, data, kinds)
        if model:
            models.append(model)
        if part is None:
            break
        expected = _annotation_of(model, part) if model else _item_in(expected, part)
        data = child_of(data, part)
    return models


def has_child(data: Any, part: str | int) -> bool:
    """Whether a mapping has the key, or a list the index."""
    if isinstance(data, Mapping):
        return part in data
    return isinstance(data, list) and isinstance(part, int) and 0 <= part < len(data)


def child_of(data: Any, part: str | int) -> Any:
    """The value under a key or index; None where there is none."""
    return data[part] if has_child(data, part) else None


def fields_by_key(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model by the name they have in a file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _annotation_of(model: type[BaseModel], key: str | int) -> Any:
    field = fields_by_key(model).get(str(key))
    return field.annotation if field else None


def _parts(annotation: Any) -> Iterator[Any]:
    """The annotation and everything in it, outermost first."""
    yield annotation
    for argument in get_args(annotation):
        yield from _parts(argument)


def _model_in(annotation: Any, data: Any, kinds: Kinds) -> type[BaseModel] | None:
    if _is_container(annotation):
        return None
    for part in _parts(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return _of_its_kind(part, data, kinds)
    return None


def _of_its_kind(model: type[BaseModel], data: Any, kinds: Kinds) -> type[BaseModel]:
    installed: Mapping[str, type[BaseModel]] = {}
    if model is RuleSettings:
        installed = kinds.rules
    elif model is VmsSettings:
        installed = kinds.vms
    return installed.get(str(child_of(data, "type")), model)


def _is_container(annotation: Any) -> bool:
    return get_origin(annotation) in {tuple, list, dict}


def _item_in(annotation: Any, part: str | int) -> Any:
    for container in filter(_is_container, _parts(annotation)):
        arguments = [argument for argument in get_args(container) if not isinstance(argument, EllipsisType)]
        if get_origin(container) is dict or not isinstance(part, int):
            return arguments[-1]
        return arguments[min(part, len(arguments) - 1)]
    return None
