"""Supervisor and analysis workers: cameras handed to processes, alerts written before anything is sent."""
