"""*Receipt*: attach what any machine needs to write a run's text again."""

from __future__ import annotations

from bot import cards
from bot.cards.receipt import FILE
from bot.features.receipt import as_file, receipt_of
from bot.flows.attachments import text_file
from bot.flows.warm_up import ready_model
from bot.interactions.reply import Reply
from bot.services import Services


async def show_receipt(services: Services, run_id: str, reply: Reply) -> None:
    model = await ready_model(services, reply)
    receipt = receipt_of(await services.runs.completion(run_id), model)
    await reply.finish(cards.receipt_card(receipt), files=[text_file(FILE, as_file(receipt))])
