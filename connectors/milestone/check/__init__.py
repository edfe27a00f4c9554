"""``vigie check`` of an XProtect system: one module for each part that is looked at."""

from connectors.milestone.check.check import Check

__all__ = ["Check"]
