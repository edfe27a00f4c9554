"""What every HTTP port of the simulated site shares: REST answers, paths, IIS pages, the fault ``publish``."""
