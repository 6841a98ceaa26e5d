"""What each station of a tour explains, for people who have never heard of a token."""

from __future__ import annotations

from bot.model.model_info import ModelInfo


def tokens(model: ModelInfo) -> str:
    return (
        "A language model does not read letters or words. First a **tokenizer** splits the text into "
        f"**tokens** from a fixed list of {model.vocabulary:,}, the **vocabulary**. A common word is one "
        "token, usually together with the space before it. Rare words, typos and most emoji take several "
        "smaller tokens, so any text can be split."
    )


def ids(model: ModelInfo) -> str:
    return (
        f"Every token in the vocabulary has a number, its **id**, from 0 to {model.vocabulary - 1:,}. A list "
        "of ids is all the model gets: no letters, no sound, no meaning. Even a capital letter or a space "
        "makes a different token with a different id. That two of them mean nearly the same, the model can "
        "only learn from the texts it is trained on."
    )


def scores(model: ModelInfo) -> str:
    return (
        "From the ids the model computes a table of scores, the **logits**: a row for every token of the "
        f"text, and in each row a score for every one of the {model.vocabulary:,} tokens in the vocabulary. "
        "The higher the score, the better that token fits next. A score has no unit, may be negative, and "
        "only means something next to the others in its row. A row knows the text up to its own token and no "
        "further, so only the **last row** says what may come after the whole text."
    )


def probabilities(model: ModelInfo) -> str:
    return (
        "Scores are hard to compare, so the last row is turned into **probabilities**. The formula is called "
        "**softmax**: raise e (2.718…) to the power of each score, then divide by the sum of the results. "
        f"Now every token has a share above 0 %, and all {model.vocabulary:,} shares add up to 100 %. A "
        "score higher by 1 means a share 2.7 times as large. The five most likely next tokens:"
    )


def draw(_model: ModelInfo) -> str:
    return (
        "The model has done its part; what follows is a lottery. Picture a wheel of fortune on which every "
        "token has a slice as wide as its probability. Where it stops is the next token. You could also "
        "always take the top guess (**greedy**), but then texts tend to go round in circles. A computer "
        "calculates its random numbers from a starting number, the **seed**: with the same seed, the wheel "
        "stops at the same place again."
    )


def repeat(_model: ModelInfo) -> str:
    return (
        "The drawn token is added to the text, and everything starts again: tokens, ids, scores, "
        "probabilities, a draw, now with a text one token longer. That is all that happens when a model "
        "writes, whether a word or a page. It makes no draft and takes nothing back: what is written stays, "
        "and the rest has to follow from it."
    )


def what_it_is_not(model: ModelInfo) -> str:
    return (
        f"**It does not learn.** This model is {model.parameters:,} numbers in a file. They were learned "
        "once, in training; nothing you type changes them.\n"
        "**It has no memory.** Every reply is computed from the text before it and nothing else. A chat "
        "seems to be remembered because all of it is sent again each time.\n"
        "**It wants nothing.** It computes when asked, and between requests nothing happens in it.\n"
        "**It does not change its mind.** The same text and seed get the same reply, however often you ask. "
        "What is clever in it comes from the people whose texts it was trained on."
    )
