"""The NATS server that `pbxis up` starts when no other is configured."""

from services.embedded_nats.server import EmbeddedNats

__all__ = ["EmbeddedNats"]
