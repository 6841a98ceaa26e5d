"""The file of /surprise has every number of every token."""

from bot.cards.surprise_listing import listing
from tests.support.scoring import READ, read, read_evenly


def test_every_token_is_listed_with_its_numbers() -> None:
    lines = listing(READ, "gpt2-large").splitlines()

    assert lines[0] == "5 tokens, read by gpt2-large"
    assert "Mean negative log-likelihood (loss): 4.937500 nats per token (7.1233 bits)" in lines
    assert "Perplexity: 139" in lines
    assert "Ranks: 1–10: 2, 11–100: 1, 101–1,000: 0, over 1,000: 1" in lines
    assert "   no.    rank  probability  surprise in bits  token  ← it expected" in lines
    assert lines[-5:] == [
        "     1       –            –                 –  London",
        "     2       1       60.7 %            0.7213  ␣was",
        "     3      12        1.8 %            5.7708  ␣one  ← ␣a 36.8 %, ␣the 13.5 %",
        "     4  20,000   < 0.0001 %           20.1977  ␣of  ← ␣a 36.8 %, ␣the 13.5 %",
        "     5       2       28.7 %            1.8034  ␣the  ← ␣a 36.8 %",
    ]


def test_a_huge_perplexity_is_not_spelled_out() -> None:
    assert "Perplexity: over 1,000,000\n" in listing(read(*[(9, -900.0)] * 4), "m")


def test_a_part_of_a_character_is_named_with_it() -> None:
    assert listing(read_evenly("a 𒀀"), "m").splitlines()[-1].split("  ←")[0].endswith("  \\x80 (part of 𒀀)")


def test_right_to_left_text_does_not_move_what_is_beside_it() -> None:
    assert any("  \u2068ו\u2069  ← ␣a" in line for line in listing(read_evenly("שלום"), "m").splitlines())
