"""Simulated counterparts: a bridge that has cameras, and the drivers by which VMSs read our device."""
