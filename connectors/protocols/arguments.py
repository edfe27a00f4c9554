"""Kinds of values on the command lines of several simulators. What is none is refused in the words of the option."""

from __future__ import annotations

import argparse
import math
import re

from connectors.protocols.clips import ClipShape

_SHAPE = re.compile(r"(\d{2,5})x(\d{2,5})@(\d{1,3}(?:\.\d{1,3})?)")


def number(text: str) -> float:
    """Not a number where it is none, which no range holds."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def seconds(text: str) -> float:
    """A span of 0 or more."""
    span = number(text)
    if not 0.0 <= span < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, 0 or more")
    return span


def clip_shape(text: str) -> ClipShape:
    """``WIDTHxHEIGHT@FPS``, the size even."""
    match = _SHAPE.fullmatch(text)
    width, height, fps = (int(match[1]), int(match[2]), float(match[3])) if match else (0, 0, 0.0)
    if not fps or not width or not height or width % 2 or height % 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size and rate such as 704x576@25, the size even")
    return ClipShape(width=width, height=height, fps=fps)
