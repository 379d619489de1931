"""The recorded sessions, each read once: hundreds of tests play them. Nobody changes a message."""

from __future__ import annotations

from functools import cache

from tests.support import transcripts

events = cache(transcripts.events)
