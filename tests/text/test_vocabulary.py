"""What people type finds the token that they mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.checkpoint.gpt2_tokenizer import spell
from bot.text.escaping import SPACE_SIGN
from bot.text.tokenization import Encodings
from bot.text.vocabulary import END_OF_TEXT, Found, Vocabulary

SIZE = 50_257
AN_ID = set(map(str, range(SIZE)))


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Encodings().vocabulary()


def shown(vocabulary: Vocabulary, ids: list[int]) -> list[str]:
    return [vocabulary[token_id] for token_id in ids]


def test_it_is_made_once() -> None:
    encodings = Encodings()

    assert encodings.vocabulary() is encodings.vocabulary()


def test_all_tokens_are_in_it_and_look_different(vocabulary: Vocabulary) -> None:
    assert len(vocabulary) == SIZE
    assert len({vocabulary[token_id] for token_id in range(SIZE)}) == SIZE


@pytest.mark.parametrize(
    ("query", "token_id"),
    [
        ("Paris", 6342),  # within a sentence
        ("king", 5822),  # not the end of "making"
        (".", 13),  # punctuation comes without a space
        ("␣will", 481),
        (" will", 481),
        ("481", 481),
        ("#481", 481),
        (" 481 ", 481),
        ("0", 0),
        ("50256", END_OF_TEXT),
        ("<|endoftext|>", END_OF_TEXT),
        ("\n", 198),
        ("⏎", 198),
        (" ", 220),
        ("\\xE2\\x80", 447),
        ("SolidGoldMagikarp", 43453),  # exists with a space before it alone
        ("007", 25816),
        ("70710", 42877),  # beyond the ids, so it is a text
        ("Ġwill", 481),  # as in vocab.json
        ("Ġ", 220),
        ("Ċ", 198),
        ("Ã©", 2634),
        ("âĢ", 447),
        ("▁will", 481),  # as SentencePiece spells a space
        ("0042", 42),
        ("#0042", 42),
        ("#" + "0" * 5_000 + "481", 481),
        ("00000000000001", 1),
        ("٤٨١", 481),
        ("0001", 18005),  # a text
    ],
)
def test_a_text_or_an_id_is_found(vocabulary: Vocabulary, query: str, token_id: int) -> None:
    found = vocabulary.find(query)

    assert found is not None
    assert (found.token_id, found.exact) == (token_id, True)


@pytest.mark.slow
def test_every_token_is_found_by_its_looks_except_numbers_which_are_ids(vocabulary: Vocabulary) -> None:
    for token_id in range(SIZE):
        form = vocabulary[token_id]
        found = vocabulary.find(form)
        assert found is not None
        if form in AN_ID:
            assert (found.token_id, found.spelt) == (int(form), token_id)
        else:
            spaced = vocabulary.twin(token_id) if form[0].isalpha() else None
            assert (found.token_id, found.exact) == (token_id if spaced is None else spaced, True)


def test_every_token_is_found_by_its_id(vocabulary: Vocabulary) -> None:
    for token_id in range(SIZE):
        assert vocabulary.find(f"#{token_id}") == Found(token_id, vocabulary.stem(token_id))


@pytest.mark.slow
def test_every_token_is_found_by_its_spelling_in_vocab_json_unless_that_is_another_text(
    vocabulary: Vocabulary,
) -> None:
    encodings = Encodings()
    forms = {vocabulary[token_id] for token_id in range(SIZE)}
    texts = 0
    for token_id in range(END_OF_TEXT):
        spelling = spell(encodings.token(token_id).data)
        if len(spelling) == 1 and spelling <= "\xff":
            continue
        found = vocabulary.find(spelling)
        assert found is not None
        if spelling in forms or SPACE_SIGN + spelling in forms or spelling in AN_ID:
            texts += spelling != vocabulary[token_id]
        else:
            assert (found.token_id, found.exact) == (token_id, True)
            assert token_id in vocabulary.suggest(spelling, 25)
    assert texts < 100


@pytest.mark.parametrize(("query", "form"), [("Ġwil", "␣wil"), ("▁Lond", "␣Lond"), ("ĠLond", "␣Lond")])
def test_a_prefix_may_use_another_sign_for_the_space(vocabulary: Vocabulary, query: str, form: str) -> None:
    found = vocabulary.find(query)

    assert found is not None
    assert vocabulary[found.token_id].startswith(form)
    assert found.token_id in vocabulary.suggest(query, 25)


def test_a_number_is_an_id_and_its_token_as_text_is_named_too(vocabulary: Vocabulary) -> None:
    assert vocabulary.find("481") == Found(481, "will", spelt=40271)
    assert vocabulary.suggest("481", 25)[:2] == [481, 40271]


def test_a_prefix_finds_its_most_common_token(vocabulary: Vocabulary) -> None:
    found = vocabulary.find("Lond")

    assert found == Found(3576, "Lond", exact=False)
    assert shown(vocabulary, sorted(vocabulary.beginning(found.stem))) == ["␣London", "London"]


@pytest.mark.parametrize(
    ("query", "form", "stem"),
    [
        ("lond", "␣London", "Lond"),
        ("␣lond", "␣London", "Lond"),
        ("pARIS", "␣Paris", "Paris"),  # the whole word, not more frequent ones that start with it
        ("LONDO", "␣London", "Londo"),
    ],
)
def test_a_prefix_without_a_token_is_tried_in_another_case(
    vocabulary: Vocabulary, query: str, form: str, stem: str
) -> None:
    found = vocabulary.find(query)

    assert found is not None
    assert (vocabulary[found.token_id], found.stem) == (form, stem)
    assert (found.exact, found.other_case) == (False, True)
    assert found.token_id in vocabulary.suggest(query, 25)


def test_the_typed_case_is_preferred(vocabulary: Vocabulary) -> None:
    found = vocabulary.find("Lond")

    assert found is not None
    assert not found.other_case
    assert all("will" in vocabulary[token_id] for token_id in vocabulary.suggest("will", 25))


@pytest.mark.parametrize("query", ["99999", "#60000", "Parisx", "🦜🦜", "#-1", "³"])
def test_a_text_that_starts_no_token_is_not_found(vocabulary: Vocabulary, query: str) -> None:
    # "³" is a digit for Python, and a token; it must not be taken for an id.
    found = vocabulary.find(query)

    assert found is None or vocabulary[found.token_id].lstrip("␣").startswith(query)


def test_a_typed_space_counts(vocabulary: Vocabulary) -> None:
    assert all(form.startswith("␣Lon") for form in shown(vocabulary, vocabulary.suggest(" Lon", 25)))
    assert {"London", "␣London"} <= set(shown(vocabulary, vocabulary.suggest("Lon", 25)))


def test_an_exact_match_is_suggested_first_then_the_most_common(vocabulary: Vocabulary) -> None:
    first, second, *rest = vocabulary.suggest("will", 25)

    assert shown(vocabulary, [first, second]) == ["␣will", "will"]
    assert rest == sorted(rest)
    assert 0 < len(rest) < 25


def test_before_anything_is_typed_common_words_are_suggested(vocabulary: Vocabulary) -> None:
    assert shown(vocabulary, vocabulary.suggest("", 4)) == ["␣", "␣t", "␣a", "␣the"]


@given(st.text(max_size=12), st.integers(1, 25))
def test_every_suggestion_starts_as_typed_or_has_that_id(query: str, limit: int) -> None:
    vocabulary = SMALL
    ids = vocabulary.suggest(query, limit)

    assert len(ids) == len(set(ids)) <= limit
    if ids:
        assert vocabulary.find(query) is not None


SMALL = Vocabulary(["a", "␣a", "ab", "␣", "␣␣", "0", "12", "⏎", "é", "b"])


def test_a_prefix_gives_each_of_its_tokens_once() -> None:
    assert sorted(SMALL.beginning("a")) == [0, 1, 2]
    assert sorted(SMALL.beginning("␣")) == [1, 3, 4]


def test_a_token_s_twin_has_or_lacks_the_space(vocabulary: Vocabulary) -> None:
    twin = vocabulary.twin(481)
    assert twin is not None
    assert vocabulary[twin] == "will"
    assert vocabulary.twin(twin) == 481
    assert vocabulary.twin(END_OF_TEXT) is None
    assert vocabulary.twin(220) is None  # a space has a token of two as none


@pytest.mark.parametrize(
    ("token_id", "ids"), [(0, [0, 1, 2]), (100, [98, 99, 100, 101, 102]), (SIZE - 1, [50254, 50255, 50256])]
)
def test_neighbours_have_the_ids_around_a_token(
    vocabulary: Vocabulary, token_id: int, ids: list[int]
) -> None:
    assert list(vocabulary.neighbours(token_id, each_side=2)) == ids
