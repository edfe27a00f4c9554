"""``vigie genetec …``: what is done to a Security Center apart from running."""

from __future__ import annotations

from connectors.genetec.settings import GenetecSettings
from connectors.genetec.setup import set_up
from connectors.protocols.setup_command import SetupCommand

COMMAND = SetupCommand(
    "genetec", product="Security Center", interface="the Web SDK", settings=GenetecSettings, set_up=set_up
)
