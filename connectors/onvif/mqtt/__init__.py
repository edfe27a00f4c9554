"""Alerts as ONVIF's JSON events through an MQTT broker of the site (the event broker of Profile M)."""
