"""The device's SOAP services, a module each: its operations, and nothing of HTTP or authentication."""
