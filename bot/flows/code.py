"""*Code*: show the program that prints a run's text again."""

from __future__ import annotations

from bot import cards
from bot.cards import CodeCard
from bot.cards.code import PROGRAM
from bot.features.code import home, is_its_own, script
from bot.flows.attachments import text_file
from bot.flows.warm_up import ready_model
from bot.interactions.reply import Reply
from bot.services import Services


async def show_code(services: Services, run_id: str, reply: Reply) -> None:
    """Show the program as text and attach it as a file."""
    model = await ready_model(services, reply)
    run = await services.runs.completion(run_id)
    program = script(run, services.encodings.decode(run.prompt_ids, run.fingerprint.encoding), model)
    content = CodeCard(
        program,
        precision=run.fingerprint.precision,
        fingerprint=str(run.fingerprint),
        same_model=is_its_own(run, model),
        home=home(model),
    )
    await reply.finish(cards.code_card(content), files=[text_file(PROGRAM, program)])
