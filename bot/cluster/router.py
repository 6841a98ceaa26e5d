"""Which replica gets a text: the one that has read its beginning, if there is room on it.

Serve carries this class to its proxies by value, so it uses nothing of the bot.
"""

from __future__ import annotations

import random

from ray.serve.request_router import PendingRequest, RequestRouter, RunningReplica


class PrefixRouter(RequestRouter):
    """Prefers the replica that the client names; otherwise the less busy of two.

    The name is the request's session id. A replica that is gone, or has no room, is passed over.
    """

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        """The replicas to try, as Serve wants them: by rank, and in each rank the less busy first."""
        if pending_request is not None:
            pending_request.routing_context.should_backoff = True
        wanted = pending_request.metadata.session_id if pending_request is not None else ""
        holders = [each for each in candidate_replicas if each.replica_id.unique_id == wanted]
        two = random.sample(candidate_replicas, min(2, len(candidate_replicas)))
        return [rank for rank in (holders, two) if rank]
