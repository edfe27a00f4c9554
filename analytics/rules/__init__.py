"""Watched conditions. Each module holds one rule and its settings; docs/rules.md tells their exact semantics."""
