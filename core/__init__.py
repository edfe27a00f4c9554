"""Domain types, contracts, store, outbox, engine and command line."""
