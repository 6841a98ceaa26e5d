"""What each station of a tour explains, for people who have never heard of a token."""

from __future__ import annotations

from bot.cards.layout import NO_BREAK
from bot.model.model_info import ModelInfo


def tokens(model: ModelInfo) -> str:
    return (
        "A language model never sees letters or words. First a **tokenizer** cuts the text into **tokens** "
        f"from a fixed list of {model.vocabulary:,}. A common word is one token, with the space before it; "
        "a rare one takes several, so any text can be cut."
    )


def ids(model: ModelInfo) -> str:
    return (
        f"Each token has a number on that list, its **id**, from 0 to {model.vocabulary - 1:,}. A list of "
        "ids is all that the model gets: no letters, no sound, no meaning. Even a capital letter gives "
        "different tokens and ids."
    )


def scores(model: ModelInfo) -> str:
    return (
        "From the ids it computes a table: a row for each token of the text, and in each row a score, a "
        f"**logit**, for every one of the {model.vocabulary:,} tokens. The higher, the better that token "
        "fits next. Each row knows only the text so far, so the **last row** chooses."
    )


def probabilities(model: ModelInfo) -> str:
    return (
        "**Softmax** turns the last row into **probabilities**: e (2.718…) to the power of each score, "
        f"divided by the sum of all. Now the {model.vocabulary:,} tokens share 100{NO_BREAK}%. One point "
        "more on the score makes a share 2.7 times as large."
    )


def draw(_model: ModelInfo) -> str:
    return (
        f"Now chance decides: a token with 10{NO_BREAK}% is drawn one time in ten. **Temperature** reshapes "
        "the bars first: below 1 the top guesses win more often, above 1 the others do. This tour rolls at "
        "1; elsewhere 0.9 is usual. The same **seed** rolls the same token."
    )


def repeat(_model: ModelInfo) -> str:
    return (
        "The drawn token joins the text, and it all starts again: tokens, ids, scores, probabilities, dice. "
        "That is all that happens when a model writes, a word or a page. It makes no draft and takes nothing "
        "back."
    )


def what_it_is_not(_model: ModelInfo) -> str:
    return (
        "It guesses the next token, and no more. What seems clever in it comes from the people whose texts "
        "it learned from. The same text and seed always get the same answer."
    )
