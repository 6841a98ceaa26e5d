"""Alembic's revisions: each brings the tables one step forward, and says so in its own words.

A revision describes the tables as they were then, so it imports nothing from :mod:`bot.store.tables`. Those
up to 0004 find what is there already: databases of schema 1 had several forms before there were revisions.
"""
