"""Video that the recorders' Video Processing Service driver brings, and the boxes it takes back."""
