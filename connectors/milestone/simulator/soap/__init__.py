"""SOAP of the management server."""
