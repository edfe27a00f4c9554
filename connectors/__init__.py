"""One room per VMS family, alike inside: session, video, publish, overlay, control, simulator."""
