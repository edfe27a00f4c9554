"""How much the rules' figures hang on the exact values of their thresholds."""
