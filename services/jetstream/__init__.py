"""NATS JetStream as both services use it: the connection, the log and its mirror, reading them."""
