"""The card of *Replay*: identical, or what differs and what has changed since."""

from __future__ import annotations

import math
from dataclasses import dataclass

from discord import ui

from bot.cards.layout import Audience, Row, arranged, date, percent, token_name
from bot.features.replay import Changed, Difference, Replay, Rerun
from bot.model.model_info import Fingerprint
from bot.model.protocol import Candidate
from bot.queue.updates import token_ids
from bot.quoting import plural
from bot.text.escaping import clip_end, code, inert_tail
from bot.text.tokenization import Encodings
from bot.text.wrapping import last_rows

_TEXT_BUDGET = 300  # characters; the run's own card has the rest
_TEXT_ROWS = 5
_VALUE_WIDTH = 24  # characters; enough to tell two digests apart
_TOKEN_WIDTH = 60
# A continued text keeps only the newest fingerprint.
_UNEXPLAINED = (
    "Nothing has changed since, unless the text was started under another fingerprint and continued under "
    "this one. If it wasn't, please tell the people who run this bot."
)
_PARTS = {
    "weights": "the model's weights",
    "precision": "the precision",
    "processor": "the kind of processor",
    "torch": "torch's version",
    "engine": "the engine's version",
    "encoding": "the tokenizer",
    "ends": "the tokens that end a text",
}


@dataclass(frozen=True, slots=True)
class ReplayCard:
    """A replay and its common ``text``, of which ``given`` tokens were not generated again.

    ``names`` maps the ids of the differing tokens to their visible forms; ``fingerprint`` is
    today's, ``made`` says when the run was made.
    """

    replay: Replay
    text: str
    given: int
    names: dict[int, str]
    fingerprint: str
    made: str
    audience: Audience


def describe_replay(
    asked: Rerun, found: Replay, encodings: Encodings, *, today: Fingerprint, made: float, audience: Audience
) -> ReplayCard:
    """Describe a replay; ``today`` is the current fingerprint, ``made`` is in seconds since 1970."""
    difference = found.difference
    common = asked.then if difference is None else asked.then[: difference.position]
    differing = () if difference is None else tuple(filter(None, (difference.then, difference.now)))
    return ReplayCard(
        replay=found,
        text=encodings.decode(asked.ids + token_ids(common), today.encoding),
        given=asked.given,
        names={
            token.token_id: encodings.token(token.token_id, today.encoding).visible for token in differing
        },
        fingerprint=str(today),
        made=date(made),
        audience=audience,
    )


def replayed(content: ReplayCard) -> ui.LayoutView:
    difference = content.replay.difference
    verdict = _identical(content.replay) if difference is None else _different(content, difference)
    return arranged(
        _text(content),
        Row(content.audience.button),
        result=[verdict, *_given(content.given), *_why(content)],
        facts=f"fingerprint {content.fingerprint} · saved reply from {content.made}",
        colour=content.audience.colour,
    )


def _text(content: ReplayCard) -> str:
    text = inert_tail(last_rows(content.text, _TEXT_ROWS), _TEXT_BUDGET).strip()
    return text + (" ▁▁▁" if content.replay.difference else "") or "␣"


def _identical(found: Replay) -> str:
    said = f"✅ **Identical.** The model wrote the same {plural(found.tokens, 'token')} again"
    if found.exact:
        return f"{said}; at each step its top five scores (logits) match to the last bit."
    if found.drift == 0:
        return f"{said}. The scores (logits) match, but the probabilities differ in the last digits."
    return f"{said}. The scores (logits) differ by {_gap(found.drift)}."


def _different(content: ReplayCard, difference: Difference) -> str:
    return (
        f"❌ **Different from token {content.given + difference.position + 1:,} on:** "
        f"then {_shown(content, difference.then)}, now {_shown(content, difference.now)}."
    )


def _given(count: int) -> list[str]:
    """Say which tokens weren't compared."""
    if not count:
        return []
    if count == 1:
        return ["The first token, picked by hand, was given to the model, not written again."]
    tokens = f"The first {count:,} tokens, up to the last hand-picked one,"
    return [f"{tokens} were given to the model, not written again."]


def _why(content: ReplayCard) -> list[str]:
    """Say what may have caused a difference."""
    found = content.replay
    if found.changed:
        return [f"Changed since: {'; '.join(map(_change, found.changed))}."]
    if found.exact and found.difference is None:
        return []
    return [_UNEXPLAINED]


def _change(changed: Changed) -> str:
    then, now = (code(clip_end(value, _VALUE_WIDTH)) for value in (changed.then, changed.now))
    return f"{_PARTS[changed.part]} {then} → {now}"


def _shown(content: ReplayCard, token: Candidate | None) -> str:
    if token is None:
        return "the end of the text"
    name = token_name(content.names[token.token_id], _TOKEN_WIDTH)
    return f"{name} (rank {token.rank:,}, {percent(math.exp(token.logprob))})"


def _gap(drift: float) -> str:
    return f"up to {drift:.6f}" if drift >= 0.000001 else "less than 0.000001"
