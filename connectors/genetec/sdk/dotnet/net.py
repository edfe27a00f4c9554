"""Conversions between Python's values and .NET's, and .NET types by name."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from core.errors import NotFoundInVms

_EPOCH_TICKS = 621_355_968_000_000_000
_TICKS_PER_S = 10_000_000


class Net:
    """Conversions, and types by name. Made once the runtime runs."""

    def __init__(self) -> None:
        self.system = import_module("System")
        self._types: dict[str, Any] = {}

    def type_of(self, name: str) -> Any:
        """The ``System.Type`` of this simple name among Genetec's assemblies."""
        if name not in self._types:
            for assembly in self.system.AppDomain.CurrentDomain.GetAssemblies():
                if str(assembly.GetName().Name).startswith("Genetec."):
                    self._types.update({str(kind.Name): kind for kind in self._exported(assembly) if kind.Name == name})
        if name not in self._types:
            raise NotFoundInVms(f"this SDK has no type {name}", remedy="Vigie needs an SDK of version 5.11 to 5.14.")
        return self._types[name]

    def _exported(self, assembly: Any) -> Sequence[Any]:
        try:
            found: Sequence[Any] = list(assembly.GetExportedTypes())
        except self.system.Exception:  # one whose own dependencies are absent
            return ()
        return found

    def make(self, name: str, *arguments: Any) -> Any:
        """An instance, by the constructor that fits."""
        return self.make_of(self.type_of(name), *arguments)

    def make_of(self, kind: Any, *arguments: Any) -> Any:
        """The same of a ``System.Type``."""
        values = self.system.Array[self.system.Object](list(arguments))
        return self.system.Activator.CreateInstance(kind, values)

    def member(self, enum: str, name: str) -> Any:
        """A member of an enum: numbers are not accepted where an enum is wanted."""
        return self.system.Enum.Parse(self.type_of(enum), name)

    def constant(self, type_name: str, field: str) -> str:
        """The value of a constant, also of one that a base class has; column names are not public."""
        flags = import_module("System.Reflection").BindingFlags
        found = self.type_of(type_name).GetField(field, flags.Public | flags.Static | flags.FlattenHierarchy)
        return str(found.GetValue(None))

    def guid(self, text: str) -> Any:
        """``uuid.UUID`` is not accepted where a Guid is wanted."""
        return self.system.Guid.Parse(text)

    def moment(self, utc_s: float) -> Any:
        """A UTC ``DateTime``."""
        ticks = _EPOCH_TICKS + round(utc_s * 1000) * (_TICKS_PER_S // 1000)
        return self.system.DateTime(ticks, self.system.DateTimeKind.Utc)

    def seconds(self, moment: Any) -> float:
        """Of a ``DateTime``; the SDK's are UTC, whether they say so or not."""
        if moment.Kind == self.system.DateTimeKind.Local:
            moment = moment.ToUniversalTime()
        return float(moment.Ticks - _EPOCH_TICKS) / _TICKS_PER_S

    def plain(self, cell: Any) -> Any:
        """A cell of a table as JSON can say it."""
        if cell is None or isinstance(cell, self.system.DBNull):
            return None
        if isinstance(cell, self.system.DateTime):
            return self.seconds(cell)
        return cell if isinstance(cell, bool | int | float) else str(cell)

    def translate(self, error: Exception) -> tuple[str, str] | None:
        """Code (empty where it has none) and message of a .NET exception, without its stack; None for any other."""
        if not isinstance(error, self.system.Exception):
            return None
        code = getattr(error, "ErrorCode", None)
        return "" if code is None else str(code), str(getattr(error, "Message", "") or type(error).__name__)


def attach(target: Any, event: str, handler: Callable[[Any, Any], None]) -> Callable[[], object]:
    """Adds a handler to an event; what is returned removes it."""
    operator.iadd(getattr(target, event), handler)  # type: ignore[no-untyped-call]
    return lambda: operator.isub(getattr(target, event), handler)  # type: ignore[no-untyped-call]
