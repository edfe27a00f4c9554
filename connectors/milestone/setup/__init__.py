"""``vigie milestone setup``: makes in XProtect what Config REST can make, and says the rest."""

from connectors.milestone.setup.setup import set_up
from connectors.protocols.worklist import Item, Outcome

__all__ = ["Item", "Outcome", "set_up"]
