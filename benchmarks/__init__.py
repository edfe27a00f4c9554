"""Developers' measurements. Not part of the product; run with ``python -m benchmarks.NAME``."""
