"""What a bridge tells by its events."""
