"""What alerts become in Security Center, and how it is asked for them."""
