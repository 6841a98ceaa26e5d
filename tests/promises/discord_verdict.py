"""Whether the bot survived a schedule: the outcome of each interaction, judged by its requests. Pure.

An interaction counts as lost if the bot could have answered it and did not. The rules:

1. If it arrived, the bot must try to acknowledge it. It arrived if it was written, when younger than
   1.5 s, to a connection that then stayed open for a while. (The bot drops what is older than 2.5 s,
   and a busy machine may read it a moment after it was written.)
2. One attempt must be accepted, even if the response was lost or reported a failure. Otherwise the last
   one must have been refused by Discord (too late, or the message or channel is gone) or for lack of
   permission, or the bot must have made ``TRIES`` attempts.
3. Once one was accepted, the reply must be final at the end, or an error shown. Stop and Delete show
   nothing of their own: their effect is on an earlier interaction's card. This rule doesn't apply if
   the message or channel was deleted, if the schedule failed the last ``TRIES`` requests for the
   interaction, or if it refused the last one for lack of permission.

Suggestions are never lost: Discord asks for new ones with the next character.

Nothing may be answered twice: one acknowledgement each, and no card as a follow-up twice. An exception
is a follow-up whose response the schedule lost or failed after it was sent: the bot can't know
whether it arrived, and showing an error twice is better than not at all.
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
    """``ends`` counts how the interactions ended; ``problems`` are sentences, none if the bot survived."""

    ends: Counter[str]
    problems: tuple[str, ...]


def judge(discord: FakeDiscord) -> Verdict:
    requests = _by_token(discord.requests)
    ends: Counter[str] = Counter()
    problems: list[str] = []
    for interaction in discord.interactions:
        own = requests[interaction.token]
        end = end_of(interaction, own)
        ends[end] += 1
        if end.startswith("lost"):
            problems.append(f"{end}: {_describe(interaction, own)}")
        problems += (f"{problem}: {_describe(interaction, own)}" for problem in _duplicates(interaction, own))
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
        return "error shown beside a card that could not be finished"
    return _unfinished(requests)


def _is_gone(interaction: Interaction) -> bool:
    """Whether the reply's channel or the reply itself was deleted."""
    was_deleted = interaction.reply is not None and interaction.reply.deleted and not interaction.followups
    return interaction.channel.deleted or was_deleted


def _unacknowledged(attempts: Sequence[Request]) -> str:
    last = attempts[-1]
    if isinstance(last.fault, Refused):
        return "refused: no permission to answer"
    if last.fault is None:
        return "refused: too late, or the message is gone"
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
    """Whether an acknowledgement is all it needs: a press that changes an earlier interaction's reply."""
    custom_id = str(interaction.data.get("custom_id"))
    is_silent = ":stop:" in custom_id or custom_id.startswith("delete")
    return is_silent and interaction.callback is CallbackType.DEFERRED_UPDATE


def _is_bare(interaction: Interaction) -> bool:
    """Whether nothing is visible of a reply that there must be."""
    if interaction.modal is not None or interaction.followups:
        return False
    if interaction.callback is CallbackType.DEFERRED_UPDATE:
        return interaction.reply is not None and interaction.reply.revision == interaction.revision
    return not interaction.all_messages


def _duplicates(interaction: Interaction, requests: Sequence[Request]) -> Iterator[str]:
    accepted = [each for each in requests if each.template == CALLBACK and 200 <= each.status < 300]
    if len(accepted) > 1:
        yield "acknowledged twice"
    unsure = any(each.method == "POST" and was_done(each.fault) for each in requests)
    if not unsure:
        cards = Counter(json.dumps(message.components) for message in interaction.followups)
        yield from ("sent twice" for count in cards.values() if count > 1)


def _by_token(requests: Iterable[Request]) -> defaultdict[str, list[Request]]:
    grouped: defaultdict[str, list[Request]] = defaultdict(list)
    for request in requests:
        token = request.values.get("interaction_token") or request.values.get("webhook_token")
        if token:
            grouped[token].append(request)
    return grouped


def _describe(interaction: Interaction, requests: Sequence[Request]) -> str:
    what = interaction.data.get("name") or interaction.data.get("custom_id")
    wire = ", ".join(f"{each.method} {each.status}{_because(each)}" for each in requests)
    age = None if interaction.written_at is None else interaction.written_at - interaction.sent_at
    when = "never delivered" if age is None else f"delivered after {age:.1f} s"
    return f"{interaction.kind.name} {what}: {when}; {wire or 'no request'}"


def _because(request: Request) -> str:
    return "" if request.fault is None else f" ({type(request.fault).__name__})"
