"""*Numbers* of a comparison: every text with its ranks, and where it differs from the first."""

from __future__ import annotations

from discord import ui

from bot.cards.compare_content import ComparedText, ComparisonCard, differing, ending
from bot.cards.layout import private_note, small, token_name
from bot.quoting import plural
from bot.text.escaping import bold, inert_head, inert_tail
from bot.text.wrapping import first_rows

_PROMPT_BUDGET = 200
_WHOLE_BUDGET = 3_800  # for all text; what the other lines leave of it is the texts'
_TEXT_ROWS = 18  # of all texts together, on a phone
_TOKEN_BUDGET = 20
_EXPLANATION = (
    "Before each token the model ranks all tokens it knows; rank 1 is its top guess. The same text has the "
    "same ranks, whatever the settings: they only decide which token is picked. A low temperature sharpens "
    "the probabilities, one above 1 flattens them, and top-p 0.9 draws from the most likely tokens that "
    "hold 90 %."
)


def comparison_numbers(content: ComparisonCard) -> ui.LayoutView:
    """Show the figures of the texts that are kept, for the person who pressed *Numbers*."""
    first = content.texts[0]
    heads = [f"**{one.continuation.method.name}:** " for one in content.texts]
    figures = [small(_figures(one, first)) for one in content.texts]
    prompt = bold(inert_tail(content.prompt.strip(), _PROMPT_BUDGET))
    facts = f"seed {content.seed} · up to {plural(content.max_tokens, 'token')} each · top-k off"
    around = sum(map(len, (prompt, _EXPLANATION, facts, *heads, *figures))) + 10 * len(heads)
    budget = (_WHOLE_BUDGET - around) // len(heads)
    rows = _TEXT_ROWS // len(heads)
    texts = [
        f"{head}{inert_head(first_rows(' '.join(one.text.split()), rows), budget)}\n{below}"
        for one, head, below in zip(content.texts, heads, figures, strict=True)
    ]
    return private_note(prompt, *texts, _EXPLANATION, facts=facts)


def _figures(one: ComparedText, first: ComparedText) -> str:
    continuation = one.continuation
    facts = [f"took the top guess {continuation.top_picks:,} of {plural(len(continuation.steps), 'time')}"]
    if continuation.highest_rank > 1:
        facts.append(f"riskiest pick: rank {continuation.highest_rank:,}")
    if where := differing(one, first):
        facts.insert(0, where + _tokens(one))
    if how := ending(continuation.news):
        facts.append(how)
    return " · ".join(facts)


def _tokens(one: ComparedText) -> str:
    if one.divergence is None or not one.divergence.own:
        return ""
    own, other = (token_name(name, _TOKEN_BUDGET) for name in (one.divergence.own, one.divergence.first))
    return f" ({own}, not {other})"
