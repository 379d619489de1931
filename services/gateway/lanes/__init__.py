"""The ways from the hub to a client."""
