"""Alarms: the book of them, Alarms REST, and the event server's SOAP alarm service."""
