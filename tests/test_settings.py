"""Settings: every variable is documented, every mistake named together with what is allowed."""

from dataclasses import fields
from pathlib import Path

import pytest
from dotenv import dotenv_values

from bot.errors import InvalidSetting
from bot.gateway.shards import Shards
from bot.model.model_info import GPT2_LARGE
from bot.settings import DEMO_MODEL, Settings

EXAMPLE = Path(__file__).parents[1] / ".env.example"


def test_the_example_file_has_one_line_per_field_and_shows_the_defaults() -> None:
    example = {name: value or "" for name, value in dotenv_values(EXAMPLE).items()}

    assert sorted(name.lower() for name in example) == sorted(field.name for field in fields(Settings))
    assert Settings.from_env(example) == Settings.from_env({})


def test_without_a_token_the_small_model_is_used() -> None:
    assert Settings.from_env({}).model == DEMO_MODEL
    assert Settings.from_env({"MODEL": "gpt2"}).model == "gpt2"


def test_with_a_token_it_is_gpt2_large() -> None:
    assert Settings.from_env({"DISCORD_TOKEN": "t"}).model == GPT2_LARGE


def test_the_prefix_cache_can_be_switched_off() -> None:
    assert Settings.from_env({"PREFIX_CACHE": "0"}).prefix_cache == 0


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({}, Path.home() / ".cache/huggingface/tokenwise"),
        ({"XDG_CACHE_HOME": "/caches"}, Path("/caches/huggingface/tokenwise")),
        ({"XDG_CACHE_HOME": "/caches", "HF_HOME": "/hub"}, Path("/hub/tokenwise")),
        ({"CACHE_DIR": "~/kept", "HF_HOME": "/hub"}, Path.home() / "kept"),
        ({"CACHE_DIR": "0"}, None),
        ({"HF_HOME": "~nobody-of-this-name"}, None),
    ],
)
def test_packed_weights_are_kept_beside_the_downloaded_models(
    environment: dict[str, str], folder: Path | None
) -> None:
    assert Settings.from_env(environment).cache_dir == folder


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://models.example.org/", "https://models.example.org"),
        ("https://models.example.org/gpt2/", "https://models.example.org/gpt2"),
        ("", None),
    ],
)
def test_a_model_service_is_named_by_its_address(given: str, url: str | None) -> None:
    assert Settings.from_env({"MODEL_URL": given}).model_url == url


@pytest.mark.parametrize(
    "given",
    [
        *("models.example.org", "ftp://models.example.org", "http://", "http://host:99999", "http://[::1"),
        *("https://secret@models.example.org", "https://u:secret@models.example.org"),
        *("https://models.example.org?key=secret", "https://models.example.org#secret"),
    ],
)
def test_what_is_no_address_of_a_service_is_refused_without_being_quoted(given: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Settings.from_env({"MODEL_URL": given})

    assert caught.value.variable == "MODEL_URL"
    assert "secret" not in caught.value.sentence


def test_the_key_of_a_service_is_a_secret() -> None:
    settings = Settings.from_env({"MODEL_KEY": "k3y"})

    assert settings.model_key == "k3y"
    assert "k3y" in settings.secrets
    assert "k3y" not in repr(settings)


def test_a_precision_is_recognised_in_any_case() -> None:
    assert Settings.from_env({"PRECISION": "BFloat16"}).precision == "bfloat16"


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("PRECISION", "float16", "one of float32, bfloat16, int8"),
        ("CACHE_DIR", "~nobody-of-this-name/kept", "a folder, or 0"),
        ("THREADS", "0", "from 1 to 1,024"),
        ("PREFIX_CACHE", "-1", "from 0 to 1,000,000"),
        ("BATCH_SIZE", "many", "from 1 to 64"),
        ("QUEUE_SIZE", "5", "from 6 to 500"),
        ("REQUESTS_PER_PERSON", "1.5", "from 1 to 100"),
        ("REQUESTS_PER_SERVER", "0", "from 1 to 10,000"),
        ("COOLDOWN_PERSON", "3601", "from 0 to 3,600"),
        ("COOLDOWN_SERVER", "soon", "from 0 to 3,600"),
        ("TIME_LIMIT", "841", "from 10 to 840"),
        ("RETENTION_DAYS", "0", "from 1 to 3,650"),
        ("AGE_RESTRICTED", "yes", "one of true, false"),
        ("LOG_LEVEL", "DEBUG", "INFO, WARNING, ERROR"),
        ("LOG_FORMAT", "xml", "plain, json"),
        ("METRICS_PORT", "65536", "from 1 to 65,535"),
    ],
)
def test_a_wrong_value_is_named_with_the_allowed_ones(variable: str, value: str, allowed: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Settings.from_env({variable: value})

    assert variable in caught.value.sentence
    assert repr(value) in caught.value.sentence
    assert allowed in caught.value.sentence


@pytest.mark.parametrize(("value", "meant"), [("true", True), ("TRUE", True), ("False", False), ("", False)])
def test_booleans_are_read_in_any_case(value: str, meant: bool) -> None:
    assert Settings.from_env({"AGE_RESTRICTED": value}).age_restricted is meant


def test_the_token_is_in_no_repr() -> None:
    assert "hunter2" not in repr(Settings.from_env({"DISCORD_TOKEN": "hunter2"}))


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ("Bot hunter.two.s", "begins with 'Bot'"),
        ("bot hunter.two.s", "begins with 'Bot'"),
        ("hunter.\ntwo", "has a space or a line break in it"),
        ("hunter.\r\ntwo", "has a space or a line break in it"),
        ("hunter two", "has a space or a line break in it"),
        ("hunter\u00a0two", "has a space or a line break in it"),
        ("hunter\u2028two", "has a space or a line break in it"),
        ('"hunter.two"', "has quotation marks around it"),
        ("'hunter.two'", "has quotation marks around it"),
        ("\u201chunter.two\u201d", "has quotation marks around it"),
        ("hunter.\x00two", "has a character that no token contains"),
        ("hunter.\u200btwo", "has a character that no token contains"),
        ("\ufeffhunter.two", "has a character that no token contains"),
        ("hüter.two", "has a character that no token contains"),
        ("<hunter.two>", "has a character that no token contains"),
    ],
)
def test_a_malformed_token_is_refused_without_quoting_it(token: str, problem: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Settings.from_env({"DISCORD_TOKEN": token})

    allowed = "the token on the Bot page of your application, and nothing else"
    assert caught.value.sentence == f"DISCORD_TOKEN {problem}; it must be {allowed}."


@pytest.mark.parametrize("token", ["MTk4NjIy.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs", "  a.b-c.d_e\n"])
def test_white_space_around_a_token_is_ignored(token: str) -> None:
    assert Settings.from_env({"DISCORD_TOKEN": token}).discord_token == token.strip()


def test_runs_are_stored_in_a_file_on_discord_and_in_memory_otherwise() -> None:
    assert Settings.from_env({"DISCORD_TOKEN": "t"}).database_url == "sqlite:///tokenwise.sqlite3"
    assert Settings.from_env({}).database_url == "sqlite://"
    assert Settings.from_env({"DATABASE_URL": "sqlite:///my.sqlite3"}).database_url == "sqlite:///my.sqlite3"


def test_the_password_of_the_database_is_in_no_repr_and_no_error() -> None:
    assert "hunter2" not in repr(Settings.from_env({"DATABASE_URL": "postgresql://a:hunter2@b/c"}))
    with pytest.raises(InvalidSetting) as caught:
        Settings.from_env({"DATABASE_URL": "mysql://a:hunter2@b/c"})
    assert "hunter2" not in caught.value.sentence


def test_secrets_are_the_token_and_the_password_in_both_spellings() -> None:
    environ = {"DISCORD_TOKEN": "t.o.k", "DATABASE_URL": "postgresql://a:p%40ss@b/c"}

    assert Settings.from_env(environ).secrets == ("t.o.k", "p@ss", "p%40ss")
    assert Settings.from_env({}).secrets == ()


def test_the_hub_s_access_token_is_a_secret_under_either_name() -> None:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        settings = Settings.from_env({name: " hf_hunter2 "})
        assert settings.hf_token == "hf_hunter2"  # noqa: S105
        assert settings.secrets == ("hf_hunter2",)
        assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    "token", ["hf_hunter2\nhf_hunter3", "hf_hunter2 # mine", "hf_hünter2", "hf_\x00hunter2"]
)
def test_an_access_token_that_fits_no_header_is_refused_without_quoting_it(token: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Settings.from_env({"HF_TOKEN": token})

    assert caught.value.sentence.startswith("HF_TOKEN has characters that no access token contains")
    assert "nter2" not in caught.value.sentence


SHARED = {"DISCORD_TOKEN": "t", "DATABASE_URL": "postgresql://a:hunter2@b/c"}


@pytest.mark.parametrize(
    ("value", "meant"),
    [("", None), ("0-3/16", Shards(0, 3, 16)), (" 5/16 ", Shards(5, 5, 16)), ("0-0/1", Shards(0, 0, 1))],
)
def test_shards_are_the_first_and_the_last_of_so_many(value: str, meant: Shards | None) -> None:
    assert Settings.from_env(SHARED | {"SHARDS": value}).shards == meant


@pytest.mark.parametrize("value", ["16", "4-3/16", "0-16/16", "0-3", "0-3/0", "1,2/4", "-1-3/4", "0-1/99999"])
def test_wrong_shards_are_named_with_what_is_allowed(value: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Settings.from_env(SHARED | {"SHARDS": value})

    allowed = "the first and the last shard, counted from 0, and how many there are in all, such as 0-3/16"
    assert caught.value.sentence == f"SHARDS is '{value}'; it must be {allowed}, or empty."


def test_several_processes_cannot_share_an_sqlite_file() -> None:
    with pytest.raises(InvalidSetting) as caught:
        Settings.from_env({"DISCORD_TOKEN": "t", "SHARDS": "0-3/16"})

    assert caught.value.sentence == (
        "SHARDS is '0-3/16', so other processes have the rest, but SQLite serves one; "
        "it must be empty or 0-15/16, or DATABASE_URL a PostgreSQL server."
    )


def test_one_process_may_have_all_shards_on_sqlite() -> None:
    settings = Settings.from_env({"DISCORD_TOKEN": "t", "SHARDS": "0-15/16"})

    assert settings.shards == Shards(0, 15, 16)


def test_the_playground_has_no_shards() -> None:
    assert Settings.from_env({"SHARDS": "0-3/16"}).shards is None


def test_metrics_are_off_without_a_port() -> None:
    assert Settings.from_env({}).metrics_port is None
    assert Settings.from_env({"METRICS_PORT": "9464"}).metrics_port == 9464
