"""What the worker reports about loading, in words for people."""

from __future__ import annotations

from bot.model.protocol import Loading

GB = 1_000_000_000
MB = 1_000_000


def loading_text(loading: Loading | None) -> str:
    """How far the model is: ``packing weights, 43 %`` or ``downloading, 1.2 of 3.2 GB``."""
    if loading is None:
        return "starting"
    done, total = loading.done, loading.total
    if loading.unit == "B":
        if not max(done, total):
            return loading.stage
        size, unit, digits = (GB, "GB", 1) if max(done, total) >= GB else (MB, "MB", 0)
        amounts = [f"{amount / size:.{digits}f}" for amount in (done, total) if amount or total]
        return f"{loading.stage}, {' of '.join(amounts)} {unit}"
    return f"{loading.stage}, {100 * min(done, total) // total} %" if total else loading.stage
