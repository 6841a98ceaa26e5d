"""What the worker reports about loading, in words for people."""

from __future__ import annotations

from bot.model.protocol import Loading, Unusable

UNUSABLE = {
    "not_found": "there is no such model",
    "not_gpt2": "it is not a GPT-2 model",
    "failed": "it could not be loaded",
}


def loading_text(loading: Loading | None) -> str:
    """How far the model is: ``reading weights, 43 %`` or ``downloading, 1.2 of 3.2 GB``."""
    if loading is None:
        return "starting"
    done, total = loading.done, loading.total
    if loading.unit in ("B", "bytes"):
        largest = max(done, total)
        unit, size = ("GB", 1e9) if largest >= 1e9 else ("MB", 1e6)
        digits = 1 if unit == "GB" else 0
        if total > 0:
            return f"{loading.stage}, {done / size:.{digits}f} of {total / size:.{digits}f} {unit}"
        return f"{loading.stage}, {done / size:.{digits}f} {unit}" if done else loading.stage
    return f"{loading.stage}, {100 * min(done, total) // total} %" if total > 0 else loading.stage


def unusable_text(unusable: Unusable) -> str:
    """Why the model cannot be used: ``it is not a GPT-2 model (its type is llama)``."""
    return f"{UNUSABLE[unusable.reason]} ({unusable.detail})"
