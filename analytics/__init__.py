"""From packets to alerts: decode, detect, track, rules."""
