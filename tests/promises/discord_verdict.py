"""Whether a schedule was borne: what became of each interaction, by what went over the wire. Pure.

An interaction *could be kept*, and is lost if it was not, as follows.

1. It arrived: it was written to a connection that lived on for a while, and was then younger
   than 1.5 s (the bot drops what is older than 2.5 s, and a busy machine may read it a moment
   later). Then there is an attempt to acknowledge it.
2. An attempt was accepted, also where the reply was lost or told of a failure. If none was, the last one was
   refused by Discord itself (it was too late, or the message or the channel was gone), or
   refused for permissions, or the bot had tried as often as ``TRIES``.
3. It was accepted: then the answer is final at the end, or an error was told; of Stop and Delete
   nothing is to be seen but on the card, which is an earlier one's. Not needed where
   the message or the channel is deleted, or where the schedule let the last ``TRIES`` requests
   for it fail, or refused the last one for permissions.

Suggestions are never lost: with the next character they are asked for anew.

Nothing is answered twice: one acknowledgement each, no card as a follow-up twice, except where
the schedule lost the reply to a follow-up that was sent, or failed it after it was: whether it
came is then unknown, and an error is rather told again than not at all.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.fakes.discord import CallbackType, FakeDiscord, Interaction, InteractionType
from tests.fakes.discord.faults import Refused, was_done
from tests.fakes.discord.paths import CALLBACK
from tests.fakes.discord.requests import Request

TRIES = 4
IN_TIME = 1.5  # seconds


@dataclass(frozen=True, slots=True)
class Verdict:
    """``ends`` counts how the interactions ended, ``problems`` are sentences, none if it was borne."""

    ends: Counter[str]
    problems: tuple[str, ...]


def judged(discord: FakeDiscord) -> Verdict:
    requests = _by_token(discord.requests)
    ends: Counter[str] = Counter()
    problems: list[str] = []
    for interaction in discord.interactions:
        own = requests[interaction.token]
        end = end_of(interaction, own)
        ends[end] += 1
        if end.startswith("lost"):
            problems.append(f"{end}: {_told(interaction, own)}")
        problems += (f"{problem}: {_told(interaction, own)}" for problem in _twice(interaction, own))
    return Verdict(ends, (*problems, *discord.violations))


def end_of(interaction: Interaction, requests: Sequence[Request]) -> str:
    attempts = [request for request in requests if request.template == CALLBACK]
    if _is_gone(interaction):
        return "gone: its message or channel was deleted"
    if not attempts:
        return "lost: never answered" if _arrived(interaction) else "dropped: arrived late or not at all"
    if interaction.kind is InteractionType.AUTOCOMPLETE:
        return "answered" if interaction.is_acknowledged else "suggestions that did not come"
    if not interaction.is_acknowledged:
        return _unacknowledged(attempts)
    if _is_silent(interaction) or (interaction.is_settled and not _is_bare(interaction)):
        return "answered"
    if any(not message.deleted for message in interaction.followups):
        return "told that it failed, beside a card that could not be finished"
    return _unfinished(requests)


def _is_gone(interaction: Interaction) -> bool:
    """Whether there is no place for an answer, or the answer was taken away."""
    was_deleted = interaction.reply is not None and interaction.reply.deleted and not interaction.followups
    return interaction.channel.deleted or was_deleted


def _unacknowledged(attempts: Sequence[Request]) -> str:
    last = attempts[-1]
    if isinstance(last.fault, Refused):
        return "refused: no permission to answer"
    if last.fault is None:
        return "refused: too late, or what it was about is gone"
    return "refused: every attempt failed" if len(attempts) >= TRIES else "lost: given up unacknowledged"


def _unfinished(requests: Sequence[Request]) -> str:
    if isinstance(requests[-1].fault, Refused):
        return "refused: no permission to answer"
    if len(requests) >= TRIES and all(request.fault is not None for request in requests[-TRIES:]):
        return "refused: every attempt failed"
    return "lost: acknowledged and never finished"


def _arrived(interaction: Interaction) -> bool:
    return (
        interaction.is_heard
        and interaction.written_at is not None
        and interaction.written_at - interaction.sent_at < IN_TIME
    )


def _is_silent(interaction: Interaction) -> bool:
    """A press that is done once it is acknowledged: what it changes is the answer to an earlier one."""
    custom_id = str(interaction.data.get("custom_id"))
    is_silent = ":stop:" in custom_id or custom_id.startswith("delete")
    return is_silent and interaction.callback is CallbackType.DEFERRED_UPDATE


def _is_bare(interaction: Interaction) -> bool:
    """Whether nothing at all is to be seen of an answer that there must be."""
    if interaction.modal is not None or interaction.followups:
        return False
    if interaction.callback is CallbackType.DEFERRED_UPDATE:
        return interaction.reply is not None and interaction.reply.revision == interaction.revision
    return not interaction.all_messages


def _twice(interaction: Interaction, requests: Sequence[Request]) -> Iterator[str]:
    accepted = [each for each in requests if each.template == CALLBACK and 200 <= each.status < 300]
    if len(accepted) > 1:
        yield "acknowledged twice"
    unsure = any(each.method == "POST" and was_done(each.fault) for each in requests)
    if not unsure:
        cards = Counter(json.dumps(message.components) for message in interaction.followups)
        yield from ("told twice" for count in cards.values() if count > 1)


def _by_token(requests: Iterable[Request]) -> defaultdict[str, list[Request]]:
    grouped: defaultdict[str, list[Request]] = defaultdict(list)
    for request in requests:
        token = request.values.get("interaction_token") or request.values.get("webhook_token")
        if token:
            grouped[token].append(request)
    return grouped


def _told(interaction: Interaction, requests: Sequence[Request]) -> str:
    what = interaction.data.get("name") or interaction.data.get("custom_id")
    wire = ", ".join(f"{each.method} {each.status}{_because(each)}" for each in requests)
    when = (
        "never"
        if interaction.written_at is None
        else f"{interaction.written_at - interaction.sent_at:.1f} s after it"
    )
    return f"{interaction.kind.name} {what}: the bot was told {when}; {wire or 'no request'}"


def _because(request: Request) -> str:
    return "" if request.fault is None else f" ({type(request.fault).__name__})"
