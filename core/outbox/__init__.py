"""Takes deliveries out of the store into each VMS. ``docs/delivery.md`` states the guarantee."""
