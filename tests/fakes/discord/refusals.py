"""Discord's error responses."""

from __future__ import annotations

from dataclasses import dataclass

MESSAGES = {
    10003: (404, "Unknown Channel"),
    10008: (404, "Unknown Message"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    40060: (400, "Interaction has already been acknowledged."),
    50001: (403, "Missing Access"),
    50013: (403, "Missing Permissions"),
    50027: (401, "Invalid Webhook Token"),
    50035: (400, "Invalid Form Body"),
}


@dataclass(eq=False)
class Refusal(Exception):
    """One of Discord's JSON error codes."""

    code: int
    detail: str = ""

    @property
    def status(self) -> int:
        return MESSAGES[self.code][0]

    @property
    def body(self) -> dict[str, object]:
        sentence = MESSAGES[self.code][1]
        return {"code": self.code, "message": f"{sentence}: {self.detail}" if self.detail else sentence}
