"""What a site holds: recorders, hardware, cameras, events."""
