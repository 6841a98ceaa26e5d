"""Small models for tests: random ones and the demo model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

from bot.model.checkpoint.configuration import Configuration
from bot.model.checkpoint.weights import HEAD, PREFIX
from bot.model.gpt2.linear_layout import Layout
from bot.model.gpt2.packed import Packed, pack
from bot.model.gpt2.parameters import Parameters
from bot.model.gpt2.transformer import GPT2, model_module
from bot.model.kernels.jit import Kernels
from bot.model.kernels.processor import Processor, this_processor
from bot.model.model_info import Precision
from tests.support.driving import Recorded
from tests.support.elsewhere.kernels import Compile
from tests.support.workers import Worker

# Small models gain nothing from threads, and wait long for them on a busy
# machine. What depends on the number of threads sets it itself.
torch.set_num_threads(1)

DEMO_MODEL = Path(__file__).parents[2] / "bot" / "data" / "demo-model"


def random_model(**config: Any) -> GPT2LMHeadModel:
    """A GPT-2 of two narrow layers with weights large enough for peaked distributions."""
    shape: dict[str, Any] = {"n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 640, "vocab_size": 211}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = GPT2LMHeadModel(GPT2Config(**{**shape, "initializer_range": 0.4, **config}))
    return model.eval()  # type: ignore[no-untyped-call,no-any-return]


def parameters_of(model: GPT2LMHeadModel) -> Parameters:
    """The parameters of transformers' model, as read from its checkpoint."""
    tensors = {name.removeprefix(PREFIX): tensor for name, tensor in model.state_dict().items()}
    if model.config.tie_word_embeddings:
        del tensors[HEAD]
    count = sum(tensor.numel() for tensor in tensors.values())
    read: dict[str, Callable[[], Tensor]] = {
        name: partial(tensor.to, torch.float32) for name, tensor in tensors.items()
    }
    return Parameters(Configuration.of(model.config.to_dict()), count, read)


def parts_of(
    model: GPT2LMHeadModel,
    *,
    precision: Precision = "float32",
    processor: Processor | None = None,
    compile_for: Compile = Kernels.compiled,
) -> tuple[Packed, Kernels, Processor]:
    """What our forward pass with the weights of transformers' model consists of."""
    processor = processor or this_processor()
    packed = pack(parameters_of(model), Layout.of(precision, processor))
    kernels = compile_for(model_module(packed.configuration, precision, processor), processor)
    return packed, kernels, processor


def gpt2_of(model: GPT2LMHeadModel, **options: Any) -> GPT2:
    """The weights of transformers' model in our forward pass."""
    return GPT2(*parts_of(model, **options))


# The id that ``overflowing_model`` cannot compute.
OVERFLOWS = 210


def overflowing_model() -> GPT2LMHeadModel:
    """The random model, but everything after the id ``OVERFLOWS`` is NaN."""
    model = random_model(tie_word_embeddings=False)
    with torch.no_grad():
        model.transformer.wte.weight[OVERFLOWS] = torch.inf
    return model


@pytest.fixture(scope="session")
def reference() -> GPT2LMHeadModel:
    """transformers' own model, to compare with."""
    return random_model()


@pytest.fixture(scope="session")
def gpt2() -> GPT2:
    """The same weights in our forward pass."""
    return gpt2_of(random_model())


@pytest.fixture(scope="session")
def recording() -> Recorded:
    return Recorded(*parts_of(random_model()))


@pytest.fixture
def recorded(recording: Recorded) -> Recorded:
    """The same weights in a model that records its passes, none so far. Compiling it takes a second."""
    recording.passes.clear()
    return recording


@pytest.fixture(scope="session", params=get_args(Precision))
def precise(request: pytest.FixtureRequest) -> GPT2:
    """The same weights in each precision."""
    return gpt2_of(random_model(), precision=request.param)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model with GPT-2's vocabulary, saved as float16 safetensors."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    model = random_model(vocab_size=50257, n_positions=320).half()  # type: ignore[no-untyped-call]
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=["tiny", "demo"])
def folder(request: pytest.FixtureRequest, tiny_folder: Path) -> Path:
    """A model on disk: the random one, then the demo model."""
    if request.param == "tiny":
        return tiny_folder
    if not (DEMO_MODEL / "model.safetensors").is_file():
        pytest.skip("bot/data/demo-model has no weights")
    return DEMO_MODEL


@pytest.fixture
def start() -> Iterator[type[Worker]]:
    """Starts workers, and ends those that the test leaves running."""
    started: list[Worker] = []

    class Started(Worker):
        def __init__(self, *arguments: str, program: tuple[str, ...] = ("-m", "bot.model.worker")) -> None:
            super().__init__(*arguments, program=program)
            started.append(self)

    yield Started
    for worker in started:
        if worker.process.poll() is None:
            worker.process.kill()
        if not worker.stdin.closed:
            worker.process.communicate()
