"""What ``person_down`` decides by: outlines that lie, and the place without people."""
