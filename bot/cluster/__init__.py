"""The model as a Ray Serve application: as many replicas as its load needs, on as many machines as there are.

    serve run bot.cluster:app                  # one replica here, with the settings of the environment
    serve run bot.cluster:app replicas=1-4     # one to four, as many as the load needs

Bots reach it by MODEL_URL, through Serve's proxy (:mod:`bot.model.remote`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from ray import serve

from bot import settings_file
from bot.cluster.replica import Replica, Worker
from bot.errors import InvalidSetting
from bot.launch import command
from bot.model.protocol import MOST_REPLICAS
from bot.quoting import quoted
from bot.settings import Settings

#: What is no text, such as a lookup, must not wait behind texts: there is room for one at a time.
SPARE = 1
#: How busy replicas are when there should be another one: with three of four of the texts that they take.
BUSY = 0.75
#: Seconds of a smaller load before a replica leaves: an evening has lulls, and another takes long to load.
CALM = 600.0
#: Seconds that a leaving replica has to end its texts: as long as one may take.
DRAIN = 600.0
_REPLICAS = re.compile(r"([0-9]+)(?:-([0-9]+))?")


def app(arguments: Mapping[str, Any]) -> serve.Application:
    """The application, with the settings of this process's environment.

    Of the ``arguments``, ``replicas`` is a number, or the least and the most as in ``1-4``. Raises
    InvalidSetting if that or a setting is wrong.
    """
    settings = Settings.from_env(settings_file.read(None) | dict(os.environ))
    worker = Worker(
        command(settings),
        settings.model,
        settings.batch_size,
        settings.model_key,
        settings.log_level,
        settings.log_format,
    )
    return deployed(
        worker,
        replicas=_replicas(str(arguments.get("replicas", "1"))),
        threads=settings.threads,
        queue_size=settings.queue_size,
    )


def deployed(
    worker: Worker, *, replicas: tuple[int, int], threads: int, queue_size: int, calm: float = CALM
) -> serve.Application:
    """Replicas with such a ``worker``, the least and the most of them, each with ``threads`` to itself.

    At each proxy, ``queue_size`` requests may wait for a replica. One leaves after ``calm`` seconds in which
    fewer would do.
    """
    least, most = replicas
    deploy = serve.deployment(
        name="Model",
        max_ongoing_requests=worker.texts + SPARE,
        max_queued_requests=queue_size,
        autoscaling_config={
            "min_replicas": least,
            "max_replicas": most,
            "target_ongoing_requests": BUSY * worker.texts,
            "downscale_delay_s": calm,
        },
        ray_actor_options={"num_cpus": threads},
        graceful_shutdown_timeout_s=DRAIN,
        health_check_period_s=5.0,
        health_check_timeout_s=10.0,
        # Each bot looks every two seconds, so there would be no end of lines.
        logging_config={"enable_access_log": False},
        request_router_config={"request_router_class": "bot.cluster.router.PrefixRouter"},
    )
    return deploy(Replica).bind(worker)


def _replicas(given: str) -> tuple[int, int]:
    numbers = _REPLICAS.fullmatch(given)
    least = int(numbers[1]) if numbers else 0
    most = int(numbers[2] or least) if numbers else 0
    if not 1 <= least <= most <= MOST_REPLICAS:
        allowed = "a number such as 2, or the least and the most as in 1-4"
        raise InvalidSetting("replicas", problem=f"is {quoted(given)}", allowed=allowed)
    return least, most
