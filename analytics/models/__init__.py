"""Model files: what is known of them, and opening only what is verified."""
