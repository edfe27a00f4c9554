"""``vigie milestone setup``: makes in XProtect what Config REST can make, and says the rest."""

from connectors.milestone.setup.report import Item, Outcome
from connectors.milestone.setup.setup import set_up

__all__ = ["Item", "Outcome", "set_up"]
