"""Kinds of values on the command lines of several simulators. What is none is refused in the words of the option."""

from __future__ import annotations

import argparse
import math


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
