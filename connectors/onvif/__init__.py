"""ONVIF: a device that any VMS can add, and a client of a VMS's bridge (empty for now)."""
