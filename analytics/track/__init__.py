"""Tracking: from boxes to objects followed over time."""
