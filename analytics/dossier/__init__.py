"""Alert dossiers: everything that an alert was decided by, and the same decision again. ``docs/dossier.md``."""
