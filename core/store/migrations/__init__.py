"""Alembic's folder: one file in ``versions`` per change of ``core.store.models``, written by hand.

Rules: a released version is never edited; ``down_revision`` names the one before; every constraint has its name;
columns change through ``op.batch_alter_table`` because SQLite cannot alter them in place. The store test
``test_migrations_and_models_agree`` fails on any difference, on both databases.
"""
