"""Tokenwise: a Discord bot that lets a community look inside a language model."""

__version__ = "0.2.0"
