"""Which replica gets a text: the one that has read its beginning, if there is room on it.

Serve carries this class to its proxies by value, so it uses nothing of the bot.
"""

from __future__ import annotations

import random
from typing import Any

from ray.serve.request_router import PendingRequest, RequestRouter, RunningReplica


class PrefixRouter(RequestRouter):
    """Prefers the replica that the client names; otherwise the less busy of two.

    The request's session id has the name, and after commas those to avoid, each behind a minus. A replica
    that is gone, or has no room, is passed over; one to avoid gets the text if there is no room elsewhere.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        # Each is asked how busy it is before it gets anything, so one that hangs gets nothing: what Serve
        # remembers of it for ten seconds would make it the least busy of all.
        super().__init__(*args, **{**options, "use_replica_queue_len_cache": False})

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        """The replicas to try, as Serve wants them: by rank, and in each rank the less busy first."""
        if pending_request is not None:
            pending_request.routing_context.should_backoff = True
        names = (pending_request.metadata.session_id if pending_request is not None else "").split(",")
        holders = [each for each in candidate_replicas if each.replica_id.unique_id in names]
        avoided = [each for each in candidate_replicas if f"-{each.replica_id.unique_id}" in names]
        others = [each for each in candidate_replicas if each not in avoided]
        two = random.sample(others, min(2, len(others)))
        return [rank for rank in (holders, two, avoided) if rank]
