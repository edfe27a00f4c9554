"""Whether a rule that is observed may be armed: its alerts, what operators said of them, and what follows (SUR-2)."""
