"""Where alerts and deliveries live: one database, written by one process."""

from core.store.store import SETTLE_S, Store

__all__ = ["SETTLE_S", "Store"]
