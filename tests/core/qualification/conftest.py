"""The same databases as the store's own tests."""

from tests.core.store.conftest import clock, server, store, url

__all__ = ["clock", "server", "store", "url"]
