"""Pictures of the fleet."""
