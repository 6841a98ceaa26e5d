"""Facts about GPT-2 Large's real weights, where they are in the local cache."""

from __future__ import annotations

import pytest
import torch

from bot.model.checkpoint import hub
from bot.model.checkpoint.find import find
from bot.model.gpt2.transformer import GPT2
from bot.model.model_info import GPT2_LARGE
from bot.model.protocol import GenerationRequest, SamplingParams
from bot.model.worker.loading import LoadedModel, load
from tests.support.driving import engine_of, run, run_alone

pytestmark = pytest.mark.gpt2_large

LONDON_WAS = (23421, 373)
PARIS_WILL = (40313, 481)
ONE_THE_A_ALSO_NOT = {530, 262, 257, 635, 407}


@pytest.fixture(scope="module")
def loaded() -> LoadedModel:
    def not_cached(*_: object) -> None:
        pytest.skip(f"{GPT2_LARGE} is not in the local cache")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub, "_download", not_cached)
        given = find(GPT2_LARGE, revision=None, report=lambda _: None)
    return load(given, precision="float32", report=lambda _: None)


@pytest.fixture(scope="module")
def large(loaded: LoadedModel) -> GPT2:
    return loaded.model


def greedy(prompt: tuple[int, ...], count: int) -> GenerationRequest:
    return GenerationRequest("a", prompt, SamplingParams(max_new_tokens=count, temperature=0))


def test_it_is_gpt2_large(loaded: LoadedModel) -> None:
    info = loaded.info
    assert info.revision == "32b71b12589c2f8d625668d2335a01cac3249519"
    assert info.parameters == 774_030_080
    assert (info.layers, info.heads, info.width, info.context, info.vocabulary) == (36, 20, 1280, 1024, 50257)


def test_the_logits_of_london_was(large: GPT2) -> None:
    with torch.inference_mode():
        logits = large.all_logits(LONDON_WAS)
    assert logits.shape == (2, 50257)
    expected = torch.tensor([-0.1938, 1.7015, -3.6939, -6.9758, -3.3617, 0.0359])
    torch.testing.assert_close(torch.cat([logits[-1, :3], logits[-1, -3:]]), expected, atol=1e-3, rtol=0)


def test_the_top_five_tokens_after_london_was(large: GPT2) -> None:
    (step,) = run_alone(large, greedy(LONDON_WAS, 1)).steps
    assert {candidate.token_id for candidate in step.candidates} == ONE_THE_A_ALSO_NOT


def test_the_greedy_text_of_paris_will(large: GPT2) -> None:
    expected = [307, 262, 717, 1748, 287, 262, 995, 284, 423, 257, 3938, 16359]
    assert run_alone(large, greedy(PARIS_WILL, len(expected))).ids == expected


def test_each_token_of_the_london_sentence_is_among_the_top_five(large: GPT2) -> None:
    sentence = [530, 286, 262, 1178, 4113, 326, 550, 262, 11917, 284, 1302, 510, 284, 262, 1230, 13]
    with torch.inference_mode():
        logits = large.all_logits([*LONDON_WAS, *sentence[:-1]])[1:]
    for row, token_id in zip(logits, sentence, strict=True):
        assert token_id in row.topk(5).indices


def test_eight_requests_write_the_same_together_as_alone(large: GPT2) -> None:
    requests = [
        GenerationRequest(str(n), PARIS_WILL, SamplingParams(max_new_tokens=4, seed=n)) for n in range(8)
    ]
    together = run(engine_of(large), *requests)
    for request in requests:
        assert together[request.request_id] == run_alone(large, request)
