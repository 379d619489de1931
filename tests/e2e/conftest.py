"""Fixtures of the end-to-end tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest

from tests.e2e.acting import Desk, desk_at
from tests.e2e.asterisk_fixtures import ami, asterisk, pbx, second_asterisk, second_pbx
from tests.e2e.browser_fixtures import axe_script, base_url, browser_type_launch_args, chromium_path
from tests.support.asterisk_rig import AsteriskRig
from tests.support.site import Site, running_site, standing_site

__all__ = [
    "ami",
    "asterisk",
    "axe_script",
    "base_url",
    "browser_type_launch_args",
    "chromium_path",
    "pbx",
    "second_asterisk",
    "second_pbx",
]


def configuration(pbx: AsteriskRig, *, username: str = "bridge") -> str:
    """A site of this one PBX."""
    return f"""
[gateway]
port = 0
open = true
[[pbx]]
name = "hq"
host = "127.0.0.1"
port = {pbx.ami_port}
username = "{username}"
secret = "{pbx.ami_secret}"
summary_refresh_s = 1
"""


@pytest.fixture
async def site(pbx: AsteriskRig, tmp_path: Path) -> AsyncGenerator[Site]:
    """`pbxis up` on the real Asterisk."""
    async with running_site(tmp_path, configuration(pbx)) as running:
        yield running


@pytest.fixture(scope="module")
def acting_site(asterisk: AsteriskRig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`pbxis up` on the real Asterisk, for a whole file of tests of actions; its address.

    A parked call comes back after 6 s.
    """
    config = configuration(asterisk) + "park_timeout_s = 6\n"
    with standing_site(tmp_path_factory.mktemp("acting"), config) as url:
        yield url


@pytest.fixture
async def desk(pbx: AsteriskRig, acting_site: str) -> AsyncGenerator[Desk]:
    """Acts on `pbx` over REST; whatever another test left is forgotten."""
    async with desk_at(acting_site) as desk:
        yield desk


@pytest.fixture(scope="session")
def site_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`pbxis up` with the demo PBX, for the tests of the pages."""
    with standing_site(tmp_path_factory.mktemp("demo")) as url:
        yield url
