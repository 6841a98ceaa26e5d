"""What is measured as it happens; everything else is read when somebody asks."""

from __future__ import annotations

from dataclasses import dataclass, field

from prometheus_client import Histogram


def _first_token() -> Histogram:
    return Histogram(
        "tokenwise_time_to_first_token_seconds",
        "From a request's admission to its first token.",
        buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600),
        registry=None,
    )


def _acknowledgement() -> Histogram:
    return Histogram(
        "tokenwise_acknowledgement_seconds",
        "From an interaction's making to Discord's acceptance of the first answer.",
        buckets=(0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 5),
        registry=None,
    )


@dataclass(frozen=True, slots=True)
class Instruments:
    """Histograms of seconds. They are in no registry until somebody wants to see them."""

    first_token: Histogram = field(default_factory=_first_token)
    acknowledgement: Histogram = field(default_factory=_acknowledgement)
