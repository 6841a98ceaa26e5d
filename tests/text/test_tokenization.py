"""Text ↔ ids: well-known facts, and properties of any text."""

import base64
import hashlib
import inspect
import json

import pytest
import tiktoken.model
from hypothesis import given
from hypothesis import strategies as st
from tiktoken_ext import openai_public

from bot.errors import InvalidTokenId, TokenizerMismatch, UnknownEncoding
from bot.model.checkpoint.byte_bpe import described
from bot.text.derived_encodings import spaces
from bot.text.encoding_names import ALIKE, ENCODINGS, names
from bot.text.escaping import visible
from bot.text.pieces import Token, group, is_whole
from bot.text.tokenization import RANKS, Encodings
from tests.support.checkpoints import trained

any_text = st.text(max_size=200)
encoding_names = st.sampled_from(ENCODINGS)


@pytest.fixture(scope="module")
def encodings() -> Encodings:
    return Encodings()


@pytest.mark.parametrize(
    ("text", "encoding", "ids"),
    [
        ("Paris will", "gpt2", (40313, 481)),
        ("paris", "gpt2", (1845, 271)),
        ("London was", "gpt2", (23421, 373)),
        ("Paris", "cl100k_base", (60704,)),
        ("paris", "cl100k_base", (1768, 285)),
    ],
)
def test_known_texts_have_known_ids(
    encodings: Encodings, text: str, encoding: str, ids: tuple[int, ...]
) -> None:
    assert encodings.encode(text, encoding) == ids
    assert encodings.decode(ids, encoding) == text


@given(text=any_text, encoding=encoding_names)
def test_decoding_undoes_encoding(encodings: Encodings, text: str, encoding: str) -> None:
    assert encodings.decode(encodings.encode(text, encoding), encoding) == text


@given(text=any_text)
def test_gpt2_and_r50k_base_split_alike(encodings: Encodings, text: str) -> None:
    assert encodings.encode(text, "gpt2") == encodings.encode(text, "r50k_base")


def test_the_end_of_text_token_s_name_is_plain_text(encodings: Encodings) -> None:
    assert 50256 not in encodings.encode("a<|endoftext|>b")
    assert encodings.decode(encodings.encode("<|endoftext|>")) == "<|endoftext|>"


def test_part_of_a_character_is_decoded_without_loss(encodings: Encodings) -> None:
    whole, part = encodings.decode((47249, 222)), encodings.decode((47249,))

    assert is_whole(whole)
    assert not is_whole(part)
    assert visible(part) == "\\xF0\\x9F\\x98"


def test_invalid_unicode_is_tokenized_as_replacement_characters(encodings: Encodings) -> None:
    assert encodings.decode(encodings.encode("a\ud800b\x00")) == "a\ufffdb\x00"


@given(text=any_text, encoding=encoding_names)
def test_pieces_hold_all_tokens_in_order_and_split_no_character(
    encodings: Encodings, text: str, encoding: str
) -> None:
    cut = encodings.cut(text, encoding)

    assert tuple(token.id for token in cut.tokens) == encodings.encode(text, encoding)
    assert "".join(piece.text for piece in cut.pieces) == text


def test_a_family_emoji_is_one_piece_of_many_tokens(encodings: Encodings) -> None:
    (piece,) = encodings.cut("👨‍👩‍👧", "gpt2").pieces

    assert piece.visible == "👨‍👩‍👧"
    assert len(piece.tokens) > 5
    assert piece.tokens[-1].visible == "\\xA7"


@given(st.lists(st.integers(min_value=0, max_value=50256), max_size=50))
def test_any_ids_can_be_shown_without_a_replacement_character(encodings: Encodings, ids: list[int]) -> None:
    cut = encodings.pieces(ids, "gpt2")

    assert [token.id for token in cut.tokens] == ids
    assert all(
        "\ufffd" not in piece.visible or b"\xef\xbf\xbd" in _data(piece.tokens) for piece in cut.pieces
    )


def _data(tokens: tuple[Token, ...]) -> bytes:
    return b"".join(token.data for token in tokens)


def test_no_tokens_make_no_pieces() -> None:
    assert group(()) == ()


def test_ids_without_a_token_are_shown_as_such_and_split_no_character() -> None:
    parts, nothing = (Token(1, b"\xc3"), Token(2, b"\xa9")), Token(9, b"")
    pieces = group((nothing, parts[0], nothing, parts[1], nothing, nothing))

    assert [piece.visible for piece in pieces] == ["no token", "é", "no token", "no token"]
    assert [token for piece in pieces for token in piece.tokens].count(nothing) == 4


def loaded(name: str) -> Encodings:
    """The encodings of a bot whose model has its own tokenizer."""
    encodings = Encodings()
    encodings.learn(described(json.loads(trained().to_str()), 480), name=name)
    return encodings


def test_a_loaded_model_s_own_encoding_is_known_by_its_name() -> None:
    spanish = loaded("gpt2-es")

    assert spanish.resolve(" GPT2-es ") == spanish.usual != "gpt2"
    assert spanish.names()[:2] == ["gpt2-es", "gpt2"]
    assert spanish.names("4o")[0] == "gpt-4o"
    assert spanish.cut("la casa", spanish.usual).encoding == "gpt2-es"
    assert list(spanish.counts("la casa")) == ["gpt2-es", "gpt2", "cl100k_base", "o200k_base"]
    assert spanish.encode("Paris will") == (40313, 481)
    assert len(spanish.vocabulary(spanish.usual)) == 480


def test_the_name_of_a_model_with_gpt2_s_own_means_gpt2() -> None:
    encodings = Encodings()
    encodings.learn(None, name="my-gpt2")

    assert encodings.usual == encodings.resolve("my-gpt2") == "gpt2"
    assert encodings.names() == names()


@pytest.mark.parametrize("name", ["gpt2", "gpt2-large"])
def test_a_model_named_like_a_shipped_encoding_is_distinguished_from_it(name: str) -> None:
    encodings = loaded(name)

    assert encodings.resolve(name) == "gpt2"
    assert encodings.resolve(f"{name} (loaded)") == encodings.usual
    assert encodings.cut("la casa", encodings.usual).encoding == f"{name} (loaded)"


def test_the_encoding_of_a_model_that_is_not_loaded_is_refused() -> None:
    with pytest.raises(TokenizerMismatch):
        loaded("gpt2-es").decode((1, 2), "bpe:another")


@pytest.mark.parametrize(
    ("token_id", "encoding"), [(50_256, "gpt2"), (50_281, "p50k_edit"), (50_256, "p50k_edit")]
)
def test_special_tokens_in_a_text_are_plain_text(encodings: Encodings, token_id: int, encoding: str) -> None:
    assert encodings.is_special(token_id, encoding)
    assert not encodings.is_special(13, encoding)


@pytest.mark.parametrize(
    "text",
    [
        "40313, 481",
        "[40313 481]",
        " 40313\n481 ",
        "(40313; 481)",
        "40313,481,",
        "40313\r\n481\r\n",
        "40313|481",
        "{40313, 481}",
        "<40313><481>",
        "40313/481",
        "40313 → 481",
        '["40313", "481"]',
        "`40313`, `481`",
        "#40313 #481",
        "0040313 00000000000481",
        "٤٠٣١٣، ٤٨١",
        "４０３１３、４８１",
        *("\ufeff40313\u200b481", "\u200e40313\u200f, \u2066481\u2069", "\u2060[40313, 481]"),
        *("ids=[40313, 481]", "token_ids=[40313, 481]", "prompt_token_ids: [40313, 481]"),
        *('{"tokens": [40313, 481]}', "tokens = [40313, 481]", "Tensor([40313, 481])", "[40313,\\n481]"),
        "tensor([[40313, 481]])",
        "tensor([[40313,   481]], device='cuda:0')",
        "tensor([40313, 481], dtype=torch.int32)",
        "torch.tensor([[40313, 481]])",
        "torch.LongTensor([40313, 481])",
        "array([40313, 481], dtype=int32)",
        "np.array([40313, 481])",
        "<tf.Tensor: shape=(1, 2), dtype=int32, numpy=array([[40313, 481]], dtype=int32)>",
        "input_ids: [40313, 481]",
        "{'input_ids': [40313, 481], 'attention_mask': [1, 1]}",
        "{'attention_mask': tensor([[1, 1]]), 'input_ids': tensor([[40313, 481]], device='mps:0')}",
        'BatchEncoding: {"input_ids": [[40313, 481]], "token_type_ids": [[0, 0]]}',
    ],
)
def test_ids_are_read_as_people_write_them(encodings: Encodings, text: str) -> None:
    assert encodings.parse_ids(text, "gpt2") == (40313, 481)


@given(st.lists(st.integers(min_value=0, max_value=50256)))
def test_a_printed_list_of_ids_is_read_back(encodings: Encodings, ids: list[int]) -> None:
    assert encodings.parse_ids(str(ids), "gpt2") == tuple(ids)


@pytest.mark.parametrize("bad", ["x", "-5", "50257", "1.5", "²", "9" * 4000, "0" * 10 + "9" * 4000])
def test_the_first_word_that_is_not_an_id_is_named(encodings: Encodings, bad: str) -> None:
    with pytest.raises(InvalidTokenId) as caught:
        encodings.parse_ids(f"40313, {bad}, y", "gpt2")

    assert caught.value.given == bad
    assert "50,256" in caught.value.sentence
    assert len(caught.value.sentence) < 200


@pytest.mark.parametrize(
    ("text", "named"),
    [
        *((text, text) for text in ("<3", ">3", "3)", "(3", "[3", "3}", "<3)", ":3", "3>=")),
        *(("40313, <3, 481", "<3"), ("[40313, 481", "[40313"), ("40313 -> 481", "->"), ("id 3", "id")),
    ],
)
def test_half_a_pair_of_brackets_is_no_part_of_an_id(encodings: Encodings, text: str, named: str) -> None:
    with pytest.raises(InvalidTokenId) as caught:
        encodings.parse_ids(text, "gpt2")

    assert caught.value.given == named


@given(text=st.text(max_size=100), encoding=encoding_names)
def test_any_other_text_for_ids_is_an_error_or_ids(encodings: Encodings, text: str, encoding: str) -> None:
    try:
        ids = encodings.parse_ids(text, encoding)
    except InvalidTokenId:
        return
    encodings.bytes_of(ids, encoding)


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("gpt-2", "gpt2"),
        ("GPT-3.5-turbo", "cl100k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4o-2024-08-06", "o200k_base"),
        (" o200k_base ", "o200k_base"),
        ("p50k_base", "p50k_base"),
        ("text-davinci-003", "p50k_base"),
        ("code-davinci-edit-001", "p50k_edit"),
        ("gpt-oss-20b", "o200k_harmony"),
        ("gpt-oss", "o200k_harmony"),
        ("gpt-4.5", "o200k_base"),
        ("gpt2-large", "gpt2"),
        ("openai-community/gpt2-xl", "gpt2"),
        ("openai/gpt-4o", "o200k_base"),
    ],
)
def test_a_model_s_name_stands_for_its_encoding(encodings: Encodings, name: str, encoding: str) -> None:
    assert encodings.resolve(name) == encoding


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("cl100k", "cl100k_base"),
        ("gpt-4oo", "gpt-4o"),
        ("gp2", "gpt2"),
        ("gpt4o", "gpt-4o"),
        ("p50k", "p50k_base"),
        ("davinci-003", "text-davinci-003"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(encodings: Encodings, name: str, near: str) -> None:
    with pytest.raises(UnknownEncoding) as caught:
        encodings.resolve(name)

    assert caught.value.nearest == near
    assert f"Did you mean {near}?" in caught.value.sentence


@pytest.mark.parametrize(
    "name",
    [
        "claude",
        "claude-3-opus",
        "gemini-pro",
        "meta-llama/Llama-3",
        "mistral-7b",
        "bert-base-uncased",
        "gpt-neo",
        "gpt-j-6b",
        "EleutherAI/gpt-neox-20b",
        "qwen2",
        "deepseek-r1",
        "phi-3",
        "cat",
        "",
        "🦜",
        "x" * 6_000,
    ],
)
def test_a_name_unlike_any_is_refused_with_the_list(encodings: Encodings, name: str) -> None:
    with pytest.raises(UnknownEncoding) as caught:
        encodings.resolve(name)

    assert "Did you mean" not in caught.value.sentence
    assert ", ".join(ENCODINGS) in caught.value.sentence
    assert len(caught.value.sentence) < 200


@given(st.text(max_size=50))
def test_any_name_resolves_or_is_refused(encodings: Encodings, name: str) -> None:
    try:
        encoding = encodings.resolve(name)
    except UnknownEncoding as error:
        encoding = encodings.resolve(error.nearest)
    assert encoding in ENCODINGS


def test_every_offered_name_resolves(encodings: Encodings) -> None:
    assert {encodings.resolve(name) for name in names()} == set(ENCODINGS)
    assert names("4o")[0] == "gpt-4o"


def test_the_counts_compare_the_encodings_that_differ(encodings: Encodings) -> None:
    assert encodings.counts("paris") == {"gpt2": 2, "cl100k_base": 2, "o200k_base": 2}


@pytest.mark.parametrize("text", ["😀" * 3000, "a" * 6000, " " * 6000, "é" * 6000])
def test_six_thousand_equal_characters_are_tokenized(encodings: Encodings, text: str) -> None:
    assert "".join(piece.text for piece in encodings.cut(text, "gpt2").pieces) == text


@pytest.mark.parametrize("name", ["r50k_base", "cl100k_base", "o200k_base"])
def test_the_shipped_ranks_are_the_ones_tiktoken_expects(name: str) -> None:
    address = f"https://openaipublic.blob.core.windows.net/encodings/{name}.tiktoken"
    expected = {
        "r50k_base": "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930",
        "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    }
    file = RANKS / hashlib.sha1(address.encode(), usedforsecurity=False).hexdigest()

    assert hashlib.sha256(file.read_bytes()).hexdigest() == expected[name]


def test_p50k_base_is_built_identical_to_openai_s_file() -> None:
    r50k = RANKS / "0ea1e91bbb3a60f729a8dc8f777fd2fc07cd8df4"
    lines = (f"{base64.b64encode(data).decode()} {rank}\n" for data, rank in spaces().items())
    file = r50k.read_bytes() + "".join(lines).encode()

    expected = "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069"
    assert hashlib.sha256(file).hexdigest() == expected
    assert expected in inspect.getsource(openai_public.p50k_base)


def test_p50k_base_adds_only_tokens_of_spaces(encodings: Encodings) -> None:
    code = "def f():\n        return 1"

    assert encodings.encode(code, "p50k_base") == (4299, 277, 33529, 198, 50262, 1441, 352)
    assert encodings.counts(code, "p50k_base") == {
        "gpt2": 13,
        "p50k_base": 7,
        "cl100k_base": 7,
        "o200k_base": 7,
    }


@pytest.mark.parametrize("name", ["p50k_edit", "o200k_harmony"])
def test_special_tokens_are_those_of_tiktoken(encodings: Encodings, name: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(openai_public, "load_tiktoken_bpe", lambda *_, **__: {})  # the ranks are tested above
        expected = openai_public.ENCODING_CONSTRUCTORS[name]()["special_tokens"]
    names = {id_: special.encode() for special, id_ in expected.items()}

    assert {id_: encodings.token(id_, name).data for id_ in names} == names
    with pytest.raises(InvalidTokenId):
        encodings.parse_ids(str(max(names) + 1), name)


@given(text=any_text, name=st.sampled_from(sorted(ALIKE)))
def test_encodings_said_to_split_alike_do(encodings: Encodings, text: str, name: str) -> None:
    assert encodings.encode(text, name) == encodings.encode(text, ALIKE[name])


def test_tiktoken_still_knows_the_models_we_offer() -> None:
    assert {"gpt-2", "gpt-3.5-turbo", "gpt-4", "gpt-4o"} <= set(tiktoken.model.MODEL_TO_ENCODING)


def test_a_loaded_encoding_is_built_once() -> None:
    encodings = Encodings()
    with pytest.MonkeyPatch.context() as patch:
        encodings.load()
        patch.setattr("bot.text.tokenization.Vocabulary", None)

        assert len(encodings.vocabulary()) == 50_257
