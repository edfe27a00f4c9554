"""``vigie milestone …``: what is done to an XProtect system apart from running."""

from __future__ import annotations

from connectors.milestone.settings import MilestoneSettings
from connectors.milestone.setup import set_up
from connectors.protocols.setup_command import SetupCommand

COMMAND = SetupCommand("milestone", product="XProtect", interface="REST", settings=MilestoneSettings, set_up=set_up)
