"""What a site is: typed settings, YAML in, JSON Schema out."""
