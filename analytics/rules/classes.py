"""The classes that rules can name."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

ObjectClass: TypeAlias = Literal["person", "bicycle", "car", "motorcycle", "bus", "truck", "object"]
"""What detectors call things; ``object`` is what the motion detector calls neither person nor vehicle."""

Classes: TypeAlias = Annotated[tuple[ObjectClass, ...], Field(min_length=1)]
