"""Wire formats and helpers that several VMS families share."""
