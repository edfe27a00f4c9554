"""Live and recorded video, from recording servers or the Open Network Bridge."""
