"""What Security Center tells back."""
