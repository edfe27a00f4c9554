"""Overlays of the Media SDK."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from connectors.genetec.sdk.dotnet.net import Net
from core.errors import VmsUnavailable

_READY_S = 1.0
"""All other questions wait meanwhile; the next frame asks again."""
_LOOK_S = 0.02


class Overlays:
    """What the Media SDK draws. Layers with a name of their own replace what they showed before at each update [U]."""

    def __init__(self, net: Net, engine: Any, assembly: Any) -> None:
        self._net = net
        reflection = import_module("System.Reflection")
        for name in assembly.GetReferencedAssemblies():  # so that WPF's types can be made
            reflection.Assembly.Load(name)
        self._factory = import_module("Genetec.Sdk.Media.Overlay").OverlayFactory
        self._factory.Initialize(engine)
        self._open: dict[str, Any] = {}
        self._layers: dict[str, Any] = {}
        self._pens: dict[tuple[str, float], Any] = {}

    def open(self, given: Mapping[str, Any]) -> list[float]:
        """Width and height of the camera's drawing surface, made as large as asked where it has none."""
        camera = given["camera"]
        overlay = self._open.get(camera) or self._factory.Get(self._net.guid(camera), given["name"])
        if not overlay.DrawingSurfaceWidth or not overlay.DrawingSurfaceHeight:
            overlay.Initialize(given["height"], given["width"])  # in this order, as Genetec's sample does
        self._await(overlay)
        self._open[camera] = overlay
        return [float(overlay.DrawingSurfaceWidth), float(overlay.DrawingSurfaceHeight)]

    def _await(self, overlay: Any) -> None:
        pause = threading.Event()
        for _ in range(round(_READY_S / _LOOK_S)):
            if overlay.IsReadyForUpdate:
                return
            pause.wait(_LOOK_S)
        raise VmsUnavailable(f"the overlay is not ready within {_READY_S:g} s")

    def draw(self, given: Mapping[str, Any]) -> None:
        """Replaces what a layer shows. ``shapes``: see ``overlay``."""
        overlay = self._open[given["camera"]]
        layer = self._layers.get(given["layer"])
        if layer is None:
            layer = self._layers[given["layer"]] = overlay.CreateLayer(self._net.guid(given["layer"]), given["name"])
            if given["duration_s"]:
                layer.Duration = self._net.system.TimeSpan.FromSeconds(given["duration_s"])
        layer.Clear()
        for shape in given["shapes"]:
            getattr(self, f"_{shape[0]}")(layer, *shape[1:])
        if not layer.Update():
            raise VmsUnavailable("Security Center did not take the drawing")

    def _rectangle(self, layer: Any, x: float, y: float, width: float, height: float, colour: str, line: float) -> None:
        rect = import_module("System.Windows").Rect(x, y, width, height)
        layer.DrawRectangle(None, self._pen(colour, line), rect)

    def _dot(self, layer: Any, x: float, y: float, size: float, colour: str) -> None:
        layer.DrawEllipse(colour, colour, x, y, size, size)

    def _text(self, layer: Any, text: str, x: float, y: float, size: float, colour: str) -> None:
        layer.DrawText(text, "Arial", size, colour, x, y)

    def _pen(self, colour: str, line: float) -> Any:
        """Frozen, as composition runs on another thread. Colours are ``#AARRGGBB``."""
        if (colour, line) not in self._pens:
            media, byte = import_module("System.Windows.Media"), self._net.system.Byte
            parts = [byte(value) for value in bytes.fromhex(colour.removeprefix("#"))]
            pen = media.Pen(media.SolidColorBrush(media.Color.FromArgb(*parts)), line)
            pen.Freeze()
            self._pens[colour, line] = pen
        return self._pens[colour, line]
