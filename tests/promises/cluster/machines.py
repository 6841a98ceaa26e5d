"""A Ray cluster on loopback: a head and some machines, each a raylet of its own, with a model service."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

import psutil
import ray
from aiohttp.test_utils import unused_port
from ray import serve
from ray.cluster_utils import Cluster
from yarl import URL

from bot.cluster import CALM, deployed
from bot.cluster.replica import Worker
from bot.model.remote.connection import Connection
from tests.support.deploying import DEPLOY, variables

MACHINE = DEPLOY / "tokenwise-ray.service"
Part = Literal["replica", "worker", "proxy", "controller"]
#: By what the command line of such a process begins or is.
_TITLES: Mapping[Part, str] = {
    "replica": "ray::ServeReplica",
    "worker": "scripted_worker",
    "proxy": "ray::ProxyActor",
    "controller": "ray::ServeController",
}
#: Serve is set up as on a real machine, nothing is reported to Ray's makers, nothing of the tests'
#: environment decides, a busy machine has time.
ENVIRONMENT = {
    **{name: value for name, value in variables(MACHINE).items() if name.startswith("RAY_SERVE_")},
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "disabled",
    "RAY_SERVE_LOG_TO_STDERR": "0",
    "RAY_raylet_start_wait_time_s": "300",
}


@dataclass(eq=False)
class Machines:
    """The running cluster with so many ``replicas``; the model service's ``address`` is on the head."""

    cluster: Any
    address: URL
    replicas: int

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

    def replica(self, name: str) -> list[psutil.Process]:
        """The processes of the replica that calls itself ``name``: its own, then its worker's."""
        actors = ray._private.state.actors().values()
        (own,) = (actor["Pid"] for actor in actors if actor["Name"].endswith(f"#{name}"))
        return [psutil.Process(own), *psutil.Process(own).children()]

    def log(self) -> list[str]:
        """What the bot's code has logged in the replicas so far."""
        files = Path(self.cluster.head_node.get_logs_dir_path(), "serve").glob("replica_*.log")
        lines = [line for file in files for line in file.read_text().splitlines()]
        return [line.partition(" bot.")[2] for line in lines if " bot." in line]

    async def whole(self) -> None:
        """Wait until there are as many replicas as there should be, and each serves."""
        async with Connection(self.address, None) as connection:
            while (await connection.capacity()).replicas < self.replicas:  # noqa: ASYNC110 - elsewhere
                await asyncio.sleep(0.5)


@contextmanager
def machines(
    count: int,
    command: Sequence[str],
    *,
    texts: int,
    replicas: tuple[int, int] | None = None,
    calm: float = CALM,
) -> Iterator[Machines]:
    """A head, and ``count`` machines with room for a replica each, for the block; if none, the head has room.

    Each replica's worker is run by ``command`` and takes ``texts`` at once; there are as many as machines
    unless the least and the most are given; they become fewer after ``calm`` seconds.
    """
    replicas = replicas or (max(1, count),) * 2
    port = unused_port()
    worker = Worker(tuple(command), "the model", texts, log_level="WARNING")
    application = deployed(worker, replicas=replicas, threads=1, queue_size=100, calm=calm)
    # The dashboard takes a second of processor time now and then, and nothing here asks it.
    head = {"num_cpus": 0 if count else 1, "include_dashboard": False}
    with patch.dict(os.environ, ENVIRONMENT):
        cluster: Any = Cluster(initialize_head=True, head_node_args=head)
        try:
            for _ in range(count):
                cluster.add_node(num_cpus=1)
            ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
            # Of several proxies on one machine, each would need a port of its own.
            serve.start(proxy_location="HeadOnly", http_options={"port": port})
            serve.run(application, name="tokenwise", route_prefix="/")
            yield Machines(cluster, URL(f"http://127.0.0.1:{port}"), replicas[0])
        finally:
            serve.shutdown()  # type: ignore[no-untyped-call]
            ray.shutdown()
            cluster.shutdown()


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return ""
