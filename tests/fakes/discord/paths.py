"""Discord's paths as in its OpenAPI description, without the version prefix."""

from __future__ import annotations

API = "/api/v10"
COMMANDS = "/applications/{application_id}/commands"
CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"
FOLLOW_UPS = "/webhooks/{webhook_id}/{webhook_token}"
WEBHOOK_MESSAGE = "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"
MESSAGES = "/channels/{channel_id}/messages"
MESSAGE = "/channels/{channel_id}/messages/{message_id}"
FILE = "/attachments/{channel_id}/{attachment_id}/{name}"  # on the CDN's host
