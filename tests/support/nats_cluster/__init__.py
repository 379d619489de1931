"""A NATS cluster of three nodes in containers, each of which can be killed, frozen and cut off."""

from tests.support.nats_cluster.cluster import NatsCluster, nats_cluster
from tests.support.nats_cluster.node import NatsNode

__all__ = ["NatsCluster", "NatsNode", "nats_cluster"]
