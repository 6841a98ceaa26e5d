"""A Ray cluster on loopback: a head and some machines, each a raylet of its own, with a model service."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from unittest.mock import patch

import psutil
import ray
from aiohttp.test_utils import unused_port
from ray import serve
from ray.cluster_utils import Cluster
from yarl import URL

from bot.cluster import deployed
from bot.cluster.replica import Worker

Part = Literal["replica", "worker", "proxy", "controller"]
#: By what the command line of such a process begins or is.
_TITLES: Mapping[Part, str] = {
    "replica": "ray::ServeReplica",
    "worker": "scripted_worker",
    "proxy": "ray::ProxyActor",
    "controller": "ray::ServeController",
}
#: Nothing is reported to Ray's makers, and nothing of the tests' environment decides.
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled", "RAY_SERVE_LOG_TO_STDERR": "0"}


@dataclass(eq=False)
class Machines:
    """The running cluster; ``address`` is that of the model service, on the head."""

    cluster: Any
    address: URL

    @property
    def names(self) -> list[str]:
        """The machines with replicas, by their Ray ids."""
        return [node.node_id for node in self.cluster.worker_nodes]

    def kill(self, name: str) -> None:
        """Kill all of a machine's processes, as when its power is cut."""
        (node,) = (node for node in self.cluster.worker_nodes if node.node_id == name)
        self.cluster.remove_node(node, allow_graceful=False)

    def add(self) -> None:
        self.cluster.add_node(num_cpus=1)

    def processes(self, part: Part) -> list[psutil.Process]:
        """The running processes that do this part of the service, on all machines."""
        ours = psutil.Process().children(recursive=True)
        return [process for process in ours if _TITLES[part] in _title(process)]


@contextmanager
def machines(
    count: int, command: Sequence[str], *, texts: int, replicas: tuple[int, int] | None = None
) -> Iterator[Machines]:
    """A head, and ``count`` machines with room for a replica each, for the block.

    Each replica's worker is run by ``command`` and takes ``texts`` at once; there are as many as machines
    unless the least and the most are given.
    """
    port = unused_port()
    worker = Worker(tuple(command), "the model", texts, log_level="ERROR")
    application = deployed(worker, replicas=replicas or (count, count), threads=1, queue_size=100)
    with patch.dict(os.environ, _QUIET):
        cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        try:
            for _ in range(count):
                cluster.add_node(num_cpus=1)
            ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
            # Of several proxies on one machine, each would need a port of its own.
            serve.start(proxy_location="HeadOnly", http_options={"port": port})
            serve.run(application, name="tokenwise", route_prefix="/")
            yield Machines(cluster, URL(f"http://127.0.0.1:{port}"))
        finally:
            serve.shutdown()  # type: ignore[no-untyped-call]
            ray.shutdown()
            cluster.shutdown()


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return ""
