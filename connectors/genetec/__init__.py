"""Genetec Security Center."""
