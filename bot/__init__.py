"""Tokenwise: a Discord bot that lets a community look inside a language model."""
