"""How the Web-based SDK role is spoken to, and how its answers are read."""
