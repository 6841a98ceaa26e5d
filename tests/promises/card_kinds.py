"""Every kind of card, filled with random content."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from discord import ui
from msgspec.structs import replace

from bot import cards
from bot.cards import (
    CodeCard,
    ComparedText,
    ComparisonCard,
    CompletionCard,
    Divergence,
    GuessCard,
    LeaderboardCard,
    NextCard,
    RevealCard,
    TourCard,
)
from bot.cards.tour.stations import STATIONS
from bot.errors import GenerationFailed, InvalidSeed, InvalidTokenId, NoSuchToken, UnknownEncoding, Withheld
from bot.features.code import home, script
from bot.features.compare import METHODS, Continuation
from bot.features.complete import new_run_id
from bot.features.guess import Round, Score
from bot.features.replay import compare, rerun
from bot.features.surprise import reading
from bot.interactions.names import one_line
from bot.model.protocol import Alike, Step
from bot.queue.updates import Completion, Finished, News, Progress, Queued, token_ids
from bot.text.vocabulary import Found
from tests.fakes.scripted_worker import scripted_info
from tests.promises.content_factory import OTHER, OWNER, ContentFactory

MODEL = scripted_info()


def completion(factory: ContentFactory) -> ui.LayoutView:
    content = CompletionCard(
        run_id=new_run_id(),
        audience=factory.audience(),
        model=factory.written()[:40],
        prompt=factory.text,
        written=factory.written(),
        params=factory.params(),
        update=factory.update(),
        tokens=3,
        requested=64,
        earlier=factory.random.choice((0, 2)),
        by_hand=factory.random.choice(((), (0,), (0, 1))),
        chosen=factory.visible(factory.ids(1)[0]),
        requested_by=factory.random.choice((None, OTHER)),
        can_continue=factory.flip(),
        cut_short=factory.flip(),
        withheld=factory.flip(),
        recalled=factory.random.choice((None, "2026-11-24 20:00 UTC")),
    )
    return cards.completion(content)


def next_tokens(factory: ContentFactory) -> ui.LayoutView:
    step, appended = factory.step(), factory.ids()
    content = NextCard(
        run_id=new_run_id(),
        audience=factory.audience(),
        model=factory.written()[:40],
        prompt=factory.text,
        appended=factory.encodings.decode(appended),
        steps_taken=len(appended),
        temperature=0.9,
        top_k=50,
        seed=7,
        step=step,
        names=factory.names(step),
    )
    return factory.random.choice((cards.next_tokens, cards.next_numbers))(content)


def comparison(factory: ContentFactory) -> ui.LayoutView:
    compared = tuple(_compared(factory, number) for number in range(len(METHODS)))
    content = ComparisonCard(factory.written()[:40], factory.text, compared, 42, 32, factory.audience())
    return cards.comparison(content)


def _compared(factory: ContentFactory, number: int) -> ComparedText:
    steps = tuple(factory.step() for _ in range(factory.random.randint(0, 4)))
    news: News = factory.random.choice(
        (
            Queued(1, None),
            Progress(steps),
            Finished(Completion(steps, "length"), 1.0),
            GenerationFailed(""),
            Withheld(),
        )
    )
    continuation = Continuation(METHODS[number], new_run_id(), news, steps)
    own, first = (factory.visible(factory.ids(1)[0]) for _ in range(2))
    text = factory.encodings.decode(token_ids(steps) + factory.ids(64))
    return ComparedText(continuation, text, factory.random.choice((None, Divergence(3, own, first))))


def _game(factory: ContentFactory) -> tuple[GuessCard, Step]:
    step = factory.step()
    choices = tuple(candidate.token_id for candidate in step.candidates[:4])
    votes = {person: factory.random.choice(choices) for person in (OWNER, OTHER)}
    round_ = Round(new_run_id(), factory.random.choice((None, 7)), choices, choices[0], factory.flip(), votes)
    return GuessCard(round_, OWNER, factory.text, factory.names(step)), step


def guess(factory: ContentFactory) -> ui.LayoutView:
    return cards.guess(_game(factory)[0])


def reveal(factory: ContentFactory) -> ui.LayoutView:
    game, step = _game(factory)
    appended = factory.encodings.decode([game.round.top_guess])
    content = RevealCard(game, step, appended, (Score(OTHER, 2, 3), Score(OWNER, 0, 3)))
    return factory.random.choice((cards.reveal, cards.reveal_numbers))(content)


def leaderboard(factory: ContentFactory) -> ui.LayoutView:
    names = factory.random.choice(({}, {OTHER: one_line(factory.text) or "?"}))
    return cards.leaderboard(LeaderboardCard((Score(OTHER, 2, 3), Score(OWNER, 1, 3)), OWNER, 30, names))


def voted(factory: ContentFactory) -> ui.LayoutView:
    game, _ = _game(factory)
    now, before = (factory.random.choice(game.round.choices) for _ in range(2))
    return cards.voted(game, now, factory.random.choice((None, before)))


def tour(factory: ContentFactory) -> ui.LayoutView:
    run = factory.run()
    rows = tuple(factory.step() for _ in run.prompt_ids[-20:-1])
    rows = (factory.step(),) * (len(run.prompt_ids) - 1 - len(rows)) + rows
    again = factory.random.choice((run.token_ids, factory.ids()))
    reshaped = ((0.5, factory.step()), (1.5, factory.step()))
    lesson = cards.describe_lesson(run, MODEL, factory.encodings, rows=rows, reshaped=reshaped, again=again)
    station = factory.random.randint(1, len(STATIONS))
    return cards.tour(TourCard(run.run_id, station, lesson, factory.audience()))


def why(factory: ContentFactory) -> ui.LayoutView:
    run = factory.run(60)
    position = factory.random.randrange(len(run.steps))
    content = cards.describe_why(
        run, position, factory.encodings, private=factory.flip(), audience=factory.audience()
    )
    return factory.random.choice((cards.why, cards.why_numbers))(content)


def replayed(factory: ContentFactory) -> ui.LayoutView:
    run = factory.run()
    again = rerun(run, owner=OWNER, context=1024)
    now = factory.random.choice((again.then, tuple(factory.step() for _ in again.then)))
    content = cards.describe_replay(
        again,
        compare(again.then, now, run.fingerprint, MODEL.fingerprint),
        factory.encodings,
        today=MODEL.fingerprint,
        made=run.asked_at,
        audience=factory.audience(),
    )
    return cards.replayed(content)


def code(factory: ContentFactory) -> ui.LayoutView:
    run = factory.run()
    model = replace(MODEL, name=factory.written()[:60])
    program = script(run, factory.encodings.decode(run.prompt_ids), model)
    return cards.code_card(CodeCard(program, "float32", str(run.fingerprint), factory.flip(), home(model)))


def tokens(factory: ContentFactory) -> ui.LayoutView:
    encodings, encoding = factory.encodings, factory.random.choice(("gpt2", "cl100k_base", "o200k_base"))
    content = cards.describe_tokens(
        encodings.cut(factory.text, encoding),
        encodings.counts(factory.text),
        len(factory.text),
        audience=factory.audience(),
    )
    return cards.tokens(content)


def decoded(factory: ContentFactory) -> ui.LayoutView:
    ids = factory.ids(300)
    text = factory.encodings.decode(ids)
    cut = factory.encodings.pieces(ids, "gpt2")
    return cards.tokens(cards.describe_tokens(cut, {}, len(text), audience=factory.audience(), decoded=text))


def surprise(factory: ContentFactory) -> ui.LayoutView:
    ids = (*factory.prompt_ids(), *factory.ids(4))
    some = [factory.step() for _ in range(4)]
    steps = [some[place % len(some)] for place in range(len(ids) - 1)]
    if len(ids) < 2:
        ids, steps = (*ids, 0), [some[0]]
    found = reading(ids, steps, factory.encodings.token)
    content = cards.describe_surprise(
        found, model=factory.written()[:200], vocabulary=50_257, audience=factory.audience()
    )
    return cards.surprise(content)


def vocabulary(factory: ContentFactory) -> ui.LayoutView:
    token_id, *others = (*factory.ids(11), 0)
    found = Found(token_id, factory.encodings.vocabulary().stem(token_id))
    alike = tuple(Alike(other, factory.random.uniform(-1, 1)) for other in others)
    content = cards.describe_vocabulary(
        factory.encodings,
        found,
        alike,
        factory.audience(),
        model=replace(MODEL, name=factory.written()[:40]),
        typed=factory.text[:200],
    )
    return factory.random.choice((cards.vocabulary, cards.vocabulary_numbers))(content)


def error(factory: ContentFactory) -> ui.LayoutView:
    errors = (
        UnknownEncoding(factory.text, nearest="gpt2"),
        InvalidTokenId(factory.text, encoding="gpt2", vocabulary=50_257),
        InvalidSeed(factory.text, highest=2**32 - 1),
        NoSuchToken(factory.text, vocabulary=50_257),
    )
    return cards.error(factory.random.choice(errors).sentence)


KINDS: Mapping[str, Callable[[ContentFactory], ui.LayoutView]] = {
    kind.__name__: kind
    for kind in (
        completion,
        next_tokens,
        comparison,
        guess,
        reveal,
        leaderboard,
        voted,
        tour,
        why,
        replayed,
        code,
        tokens,
        decoded,
        surprise,
        vocabulary,
        error,
    )
}


def kinds() -> Iterator[str]:
    """The names of all kinds, again and again."""
    while True:
        yield from KINDS
