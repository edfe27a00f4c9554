"""Detectors: from pictures to boxes."""
