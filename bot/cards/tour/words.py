"""What each station of a tour explains, for somebody who has never heard of a token."""

from __future__ import annotations

from bot.model.model_info import ModelInfo


def tokens(model: ModelInfo) -> str:
    return (
        "A language model does not read letters or words. First a **tokenizer** cuts the text into "
        f"**tokens**: pieces from a fixed list of {model.vocabulary:,}, the **vocabulary**. A common word is "
        "one token, usually together with the space before it. Rare words, typing errors and most emoji are "
        "put together from several smaller pieces, so there is no text that could not be cut."
    )


def ids(model: ModelInfo) -> str:
    return (
        "Every token of the vocabulary has a number, its **id**, from 0 to "
        f"{model.vocabulary - 1:,}. This list of ids is all that the model gets: no letters, no sound, no "
        "meaning. A capital letter or a space already makes other tokens, with other ids. Nobody tells the "
        "model that two of them mean much the same; it can only have learnt that from the texts it was "
        "trained on."
    )


def scores(model: ModelInfo) -> str:
    return (
        "From the ids the model computes a table of scores, the **logits**. It has a row for every token of "
        f"the text, and in each row a score for every one of the {model.vocabulary:,} tokens of the "
        "vocabulary: the higher the score, the better that token fits as the next one. A score has no unit, "
        "may be negative, and counts only beside the others of its row. A row knows the text up to its own "
        "token and no further. So only the **last row** says what may come after the whole text."
    )


def probabilities(model: ModelInfo) -> str:
    return (
        "Scores are hard to compare, so the last row is turned into **probabilities**. The formula is called "
        "**softmax**: raise the number e (2.718…) to the power of each score, and divide by the sum of all "
        f"the results. Now every token has a share above 0 %, and the shares of all {model.vocabulary:,} "
        "make 100 %. A score that is higher by 1 gives a share 2.7 times as large. The five likeliest to "
        "come next:"
    )


def draw(_model: ModelInfo) -> str:
    return (
        "The model has done its part; what follows is a lottery. Picture a wheel of fortune on which every "
        "token has a slice as wide as its probability. Where it stops, there is the next token. One can also "
        "always take the likeliest (**greedy**), but then texts tend to go round in circles. A computer's "
        "chance is calculated from a starting number, the **seed**: with the same seed, the wheel stops at "
        "the same place again."
    )


def repeat(_model: ModelInfo) -> str:
    return (
        "The drawn token is put at the end of the text, and everything begins again: tokens, ids, scores, "
        "probabilities, a draw, now with a text that is one token longer. That is all that happens when a "
        "model writes, be it a word or a page. It makes no draft and takes nothing back: what stands there "
        "stays, and whatever comes later has to go on from it."
    )


def what_it_is_not(model: ModelInfo) -> str:
    return (
        f"**It does not learn.** This model is {model.parameters:,} numbers in a file. They were found once, "
        "in training; what you type changes none of them.\n"
        "**It has no memory.** Every answer is computed from the text before it and from nothing else. A "
        "chat seems to be remembered because all of it is sent again each time.\n"
        "**It wants nothing.** It computes when it is asked, and between two questions nothing happens "
        "in it.\n"
        "**It does not change its mind.** The same text with the same seed gets the same answer, as often as "
        "you ask. What is clever in it comes from the people whose texts it was trained on."
    )
