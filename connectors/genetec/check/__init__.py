"""``vigie check`` of a Security Center: one module for each part that is looked at."""

from connectors.genetec.check.check import findings_of
from connectors.genetec.check.look import Look

__all__ = ["Look", "findings_of"]
