"""The management server's port: what is reached through it, in which release, and what befalls it."""
