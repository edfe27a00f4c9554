"""What Security Center has."""
