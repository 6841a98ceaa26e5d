"""Every kind of card, filled with what people may type and a model may write."""

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
    NextCard,
    RevealCard,
    TourCard,
)
from bot.cards.tour.stations import STATIONS
from bot.errors import GenerationFailed, InvalidSeed, InvalidTokenId, NoSuchToken, UnknownEncoding, Withheld
from bot.features.code import script
from bot.features.compare import METHODS, Continuation
from bot.features.complete import new_run_id
from bot.features.guess import Round, Score
from bot.features.replay import compare, rerun
from bot.features.surprise import reading
from bot.model.protocol import Alike, Step
from bot.queue.updates import Completion, Finished, News, Progress, Queued, token_ids
from bot.text.vocabulary import Found
from tests.fakes.scripted_worker import scripted_info
from tests.promises.content_factory import OTHER, OWNER, Maker

MODEL = scripted_info()


def completion(maker: Maker) -> ui.LayoutView:
    content = CompletionCard(
        run_id=new_run_id(),
        audience=maker.audience(),
        model=maker.written()[:40],
        prompt=maker.text,
        written=maker.written(),
        params=maker.params(),
        update=maker.update(),
        tokens=3,
        requested=64,
        earlier=maker.random.choice((0, 2)),
        by_hand=maker.random.choice(((), (0,), (0, 1))),
        chosen=maker.visible(maker.ids(1)[0]),
        requested_by=maker.random.choice((None, OTHER)),
        can_continue=maker.flip(),
        cut_short=maker.flip(),
        withheld=maker.flip(),
        recalled=maker.random.choice((None, "2026-11-24 20:00 UTC")),
    )
    return cards.completion(content)


def next_tokens(maker: Maker) -> ui.LayoutView:
    step, appended = maker.step(), maker.ids()
    content = NextCard(
        run_id=new_run_id(),
        audience=maker.audience(),
        model=maker.written()[:40],
        prompt=maker.text,
        appended=maker.encodings.decode(appended),
        steps_taken=len(appended),
        temperature=1.0,
        seed=7,
        vocabulary=50_257,
        step=step,
        names=maker.names(step),
    )
    return cards.next_tokens(content)


def comparison(maker: Maker) -> ui.LayoutView:
    compared = tuple(_compared(maker, number) for number in range(len(METHODS)))
    content = ComparisonCard(maker.written()[:40], maker.text, compared, 42, 32, maker.audience())
    return cards.comparison(content)


def _compared(maker: Maker, number: int) -> ComparedText:
    steps = tuple(maker.step() for _ in range(maker.random.randint(0, 4)))
    news: News = maker.random.choice(
        (
            Queued(1, None),
            Progress(steps),
            Finished(Completion(steps, "length"), 1.0),
            GenerationFailed(""),
            Withheld(),
        )
    )
    continuation = Continuation(METHODS[number], new_run_id(), news, steps)
    own, first = (maker.visible(maker.ids(1)[0]) for _ in range(2))
    text = maker.encodings.decode(token_ids(steps) + maker.ids(64))
    return ComparedText(continuation, text, maker.random.choice((None, Divergence(3, own, first))))


def _game(maker: Maker) -> tuple[GuessCard, Step]:
    step = maker.step()
    choices = tuple(candidate.token_id for candidate in step.candidates[:4])
    votes = {person: maker.random.choice(choices) for person in (OWNER, OTHER)}
    round_ = Round(new_run_id(), maker.random.choice((None, 7)), choices, choices[0], maker.flip(), votes)
    return GuessCard(round_, OWNER, maker.text, maker.names(step)), step


def guess(maker: Maker) -> ui.LayoutView:
    return cards.guess(_game(maker)[0])


def reveal(maker: Maker) -> ui.LayoutView:
    game, step = _game(maker)
    appended = maker.encodings.decode([game.round.top_guess])
    return cards.reveal(RevealCard(game, step, appended, (Score(OTHER, 2, 3), Score(OWNER, 0, 3))))


def voted(maker: Maker) -> ui.LayoutView:
    now, before = (maker.visible(maker.ids(1)[0]) for _ in range(2))
    return cards.voted(now, maker.random.choice((None, now, before)))


def tour(maker: Maker) -> ui.LayoutView:
    run = maker.run()
    rows = tuple(maker.step() for _ in run.prompt_ids[-20:-1])
    rows = (maker.step(),) * (len(run.prompt_ids) - 1 - len(rows)) + rows
    again = maker.random.choice((run.token_ids, maker.ids()))
    lesson = cards.describe_lesson(run, MODEL, maker.encodings, rows=rows, again=again)
    station = maker.random.randint(1, len(STATIONS))
    return cards.tour(TourCard(run.run_id, station, lesson, maker.audience()))


def why(maker: Maker) -> ui.LayoutView:
    run = maker.run(60)
    position = maker.random.randrange(len(run.steps))
    content = cards.describe_why(
        run, position, maker.encodings, private=maker.flip(), audience=maker.audience()
    )
    return cards.why(content)


def replayed(maker: Maker) -> ui.LayoutView:
    run = maker.run()
    again = rerun(run, owner=OWNER, context=1024)
    now = maker.random.choice((again.then, tuple(maker.step() for _ in again.then)))
    content = cards.describe_replay(
        again,
        compare(again.then, now, run.fingerprint, MODEL.fingerprint),
        maker.encodings,
        today=MODEL.fingerprint,
        made=run.asked_at,
        audience=maker.audience(),
    )
    return cards.replayed(content)


def code(maker: Maker) -> ui.LayoutView:
    run = maker.run()
    model = replace(MODEL, name=maker.written()[:60])
    program = script(run, maker.encodings.decode(run.prompt_ids), model)
    return cards.code_card(CodeCard(program, "float32", str(run.fingerprint), maker.flip()))


def tokens(maker: Maker) -> ui.LayoutView:
    encodings, encoding = maker.encodings, maker.random.choice(("gpt2", "cl100k_base", "o200k_base"))
    content = cards.describe_tokens(
        encodings.cut(maker.text, encoding),
        encodings.counts(maker.text),
        len(maker.text),
        audience=maker.audience(),
    )
    return cards.tokens(content)


def decoded(maker: Maker) -> ui.LayoutView:
    ids = maker.ids(300)
    text = maker.encodings.decode(ids)
    cut = maker.encodings.pieces(ids, "gpt2")
    return cards.tokens(cards.describe_tokens(cut, {}, len(text), audience=maker.audience(), decoded=text))


def surprise(maker: Maker) -> ui.LayoutView:
    ids = (*maker.prompt_ids(), *maker.ids(4))
    some = [maker.step() for _ in range(4)]
    steps = [some[place % len(some)] for place in range(len(ids) - 1)]
    if len(ids) < 2:
        ids, steps = (*ids, 0), [some[0]]
    found = reading(ids, steps, maker.encodings.token)
    content = cards.describe_surprise(
        found, model=maker.written()[:200], vocabulary=50_257, audience=maker.audience()
    )
    return cards.surprise(content)


def vocabulary(maker: Maker) -> ui.LayoutView:
    token_id, *others = (*maker.ids(11), 0)
    found = Found(token_id, maker.encodings.vocabulary().stem(token_id))
    alike = tuple(Alike(other, maker.random.uniform(-1, 1)) for other in others)
    content = cards.describe_vocabulary(
        maker.encodings,
        found,
        alike,
        maker.audience(),
        model=replace(MODEL, name=maker.written()[:40]),
        typed=maker.text[:200],
    )
    return cards.vocabulary(content)


def error(maker: Maker) -> ui.LayoutView:
    errors = (
        UnknownEncoding(maker.text, nearest="gpt2"),
        InvalidTokenId(maker.text, encoding="gpt2", vocabulary=50_257),
        InvalidSeed(maker.text, highest=2**32 - 1),
        NoSuchToken(maker.text, vocabulary=50_257),
    )
    return cards.error(maker.random.choice(errors).sentence)


KINDS: Mapping[str, Callable[[Maker], ui.LayoutView]] = {
    kind.__name__: kind
    for kind in (
        completion,
        next_tokens,
        comparison,
        guess,
        reveal,
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
    """All kinds, over and over."""
    while True:
        yield from KINDS
