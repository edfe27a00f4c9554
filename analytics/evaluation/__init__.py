"""Measures rules on clips whose events a person wrote down: ``vigie evaluate``."""
