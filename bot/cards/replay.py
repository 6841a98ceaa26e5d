"""The card of *Replay*: identical, or what differs and what has changed since."""

from __future__ import annotations

import math
from dataclasses import dataclass

from discord import ui

from bot.cards.layout import (
    DONE_COLOUR,
    WAITING_COLOUR,
    Audience,
    Row,
    Text,
    card,
    date,
    percent,
    rule,
    small,
    token_name,
)
from bot.features.replay import Changed, Replay, Rerun
from bot.model.model_info import Fingerprint
from bot.model.protocol import Candidate
from bot.queue.updates import token_ids
from bot.quoting import plural
from bot.text.escaping import clip_end, code, inert_tail
from bot.text.tokenization import Encodings

_TEXT_BUDGET = 1_500
_VALUE_WIDTH = 24  # characters; enough to tell two digests apart
_TOKEN_WIDTH = 60
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
    is_same = content.replay.difference is None
    return card(
        Text(_text(content)),
        rule(),
        Text(_identical(content.replay) if is_same else _different(content)),
        Text("\n".join(map(small, _circumstances(content)))),
        Row(content.audience.button),
        colour=DONE_COLOUR if is_same else WAITING_COLOUR,
    )


def _text(content: ReplayCard) -> str:
    text = inert_tail(content.text, _TEXT_BUDGET).strip()
    return text + (" ▁▁▁" if content.replay.difference else "") or "␣"


def _identical(found: Replay) -> str:
    said = f"✅ **Identical.** The model wrote the same {plural(found.tokens, 'token')} again"
    if found.exact:
        return f"{said}, and every logit matches to the last bit."
    if found.drift == 0:
        return f"{said}. The logits match, but the probabilities differ in the last digits."
    return f"{said}. The logits differ by {_gap(found.drift)}."


def _different(content: ReplayCard) -> str:
    difference = content.replay.difference
    if difference is None:
        return ""
    return (
        f"❌ **Different from token {content.given + difference.position + 1:,} on:** "
        f"then {_shown(content, difference.then)}, now {_shown(content, difference.now)}."
    )


def _circumstances(content: ReplayCard) -> list[str]:
    found = content.replay
    lines = ["A logit is the model's score for a token; at each step the top five were compared."]
    if content.given:
        lines.append(
            f"The first {plural(content.given, 'token')}, up to the last hand-picked one, "
            f"{'was' if content.given == 1 else 'were'} given to the model, not written again."
        )
    if found.changed:
        return [*lines, f"Changed since {content.made}:", *map(_change, found.changed)]
    lines.append(f"Same fingerprint as on {content.made}: {content.fingerprint}.")
    if not (found.exact and found.difference is None):
        # A continued text keeps only the newest fingerprint.
        lines.append(
            "This can only happen if the text was started under another fingerprint and continued under "
            "this one. If it wasn't, please tell the people who run this bot."
        )
    return lines


def _change(changed: Changed) -> str:
    then, now = (code(clip_end(value, _VALUE_WIDTH)) for value in (changed.then, changed.now))
    return f"{_PARTS[changed.part]}: {then} → {now}"


def _shown(content: ReplayCard, token: Candidate | None) -> str:
    if token is None:
        return "the end of the text"
    name = token_name(content.names[token.token_id], _TOKEN_WIDTH)
    return f"{name} (rank {token.rank:,}, {percent(math.exp(token.logprob))})"


def _gap(drift: float) -> str:
    return f"up to {drift:.6f}" if drift >= 0.000001 else "less than 0.000001"
