from pathlib import Path

import pytest
from transformers import AutoTokenizer, GPT2LMHeadModel

from bot.training.__main__ import main


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "cannot be read"), ("", "has no paragraphs"), ("One.\nTwo.\n", "The text is too short")],
)
def test_a_text_of_no_use_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, sentence: str
) -> None:
    text = tmp_path / "text.txt"
    if content is not None:
        text.write_text(content)
    assert main([str(text), "--output", str(tmp_path / "model"), "--minutes", "0.01"]) == 2
    errors = capsys.readouterr().err.strip()
    assert sentence in errors.splitlines()[-1]
    assert "Traceback" not in errors
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("option", ["--minutes=0", "--minutes=x", "--threads=0"])
def test_nonsense_is_refused_before_anything_is_read(option: str) -> None:
    with pytest.raises(SystemExit):
        main(["text.txt", option])


@pytest.mark.slow
def test_a_run_of_two_seconds_leaves_a_model_and_its_card(text: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    arguments = [str(text), "--output", str(folder), "--minutes", "0.03", "--seed", "5"]
    longer = ["--context", "512", "--long-minutes", "0.02"]
    assert main([*arguments, *longer, "--source", "Sixty sentences."]) == 0
    model = GPT2LMHeadModel.from_pretrained(folder)
    assert model.config.n_positions == 512
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert model(**tokenizer("The old man", return_tensors="pt")).logits.shape == (1, 3, 50_257)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "Sixty sentences." in card
    assert "Seed 5" in card
    assert f"{model.num_parameters():,}" in card
    assert f"{(folder / 'model.safetensors').stat().st_size:,} bytes" in card
    assert card.count("\n> **") == 5
    assert "{" not in card
