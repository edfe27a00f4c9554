"""The client: asks a VMS's ONVIF bridge for its cameras, streams and events."""
