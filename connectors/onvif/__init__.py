"""ONVIF both ways: a device that any VMS can add, and a client that reads a VMS's bridge."""
