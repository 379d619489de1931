"""Fixtures of the end-to-end tests."""

from tests.e2e.asterisk_fixtures import ami, asterisk, pbx, second_asterisk, second_pbx

__all__ = ["ami", "asterisk", "pbx", "second_asterisk", "second_pbx"]
