"""Sub-commands that analytics adds to ``vigie``."""
