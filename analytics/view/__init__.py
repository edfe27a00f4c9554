"""What the camera itself shows: where it looks, and whether its picture shows anything."""
