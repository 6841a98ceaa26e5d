import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import GPT2Config, GPT2LMHeadModel

from bot.training.evaluation import _windows, log_likelihoods, perplexity


@given(st.integers(2, 70), st.integers(2, 12), st.data())
def test_every_token_is_scored_once_with_enough_context(
    length: int, window: int, data: st.DataObject
) -> None:
    stride = data.draw(st.integers(1, window))
    scored = []
    for inputs, targets in _windows(torch.arange(length), window, stride):
        assert len(inputs) <= window
        assert inputs[-1] + 1 == targets[-1]
        for target in targets.tolist():
            context = target - int(inputs[0])
            assert context >= min(target, window - stride + 1)
        scored += targets.tolist()
    assert scored == list(range(1, length))


def test_it_scores_as_the_model_does() -> None:
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=50, n_positions=8, n_embd=16, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0
    )
    model = GPT2LMHeadModel(config)
    model.eval()  # type: ignore[no-untyped-call]
    stream = torch.randint(50, (20,))
    scores = log_likelihoods(model, stream, window=8, stride=4)
    assert len(scores) == 19
    with torch.no_grad():
        first = model(stream[None, :8]).logits.log_softmax(-1)[0].gather(-1, stream[1:9, None])[:, 0]
        last = model(stream[None, 11:19]).logits[0, -1].log_softmax(-1)[stream[19]]
    torch.testing.assert_close(scores[:8], first.double(), rtol=1e-4, atol=1e-4)
    assert scores[-1].item() == pytest.approx(last.item(), abs=1e-4)


def test_a_fair_guess_among_n_has_perplexity_n() -> None:
    assert perplexity(torch.full((5,), -math.log(7))) == pytest.approx(7)
