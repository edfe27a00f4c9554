"""What commands that analyse video show alike: progress, and who an alert is about."""

from __future__ import annotations

from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from core.cli.output import remarks
from core.types import Alert


def progress_bar() -> Progress:
    """Progress of one long work, on a terminal only."""
    console = remarks()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def subject_of(alert: Alert) -> dict[str, Any]:
    """Track, class and box of an alert's first object, as JSON; None where it is about none."""
    if not alert.objects:
        return {"track": None, "label": None, "box": None}
    first = alert.objects[0]
    edges = (first.box.left, first.box.top, first.box.right, first.box.bottom)
    return {"track": first.track_id, "label": first.label, "box": [round(edge, 4) for edge in edges]}


def names_of(alert: Alert) -> str:
    """Every object of an alert, for a person."""
    return ", ".join(f"{thing.label} {thing.track_id}" for thing in alert.objects)
