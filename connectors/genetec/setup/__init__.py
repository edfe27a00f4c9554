"""``vigie genetec setup``: makes in Security Center what the Web SDK can make, and says the rest."""

from connectors.genetec.setup.setup import set_up
from connectors.protocols.worklist import Item, Outcome

__all__ = ["Item", "Outcome", "set_up"]
