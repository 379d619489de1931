from __future__ import annotations

import pytest

from services.exit_codes import exit_code_of
from shared.errors import CallCentreError, ConfigError


class _AddressError(CallCentreError):
    pass


def raising(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ConfigError("pbx.port", "is wrong"), 2, "pbxis: configuration: pbx.port: is wrong\n"),
        (_AddressError("taken"), 2, "pbxis: taken\n"),
        (CallCentreError("away"), 1, "pbxis: away\n"),
        (KeyboardInterrupt(), 0, ""),
    ],
)
def test_each_end_has_its_code_and_its_text(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code_of(lambda: raising(error), wrong_set_up=_AddressError) == code
    assert capsys.readouterr().err == said


def test_the_code_of_work_that_ends_is_its_own() -> None:
    assert exit_code_of(lambda: 7) == 7
