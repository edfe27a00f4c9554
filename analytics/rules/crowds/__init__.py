"""What ``crowd_density`` and ``crowd_movement`` decide by: how many people there are, and how they move."""
