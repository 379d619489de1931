"""Fixtures of the real Asterisk. One container serves the session; each test finds it as it started."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.asterisk_rig import AmiClient, AsteriskRig, asterisk_rig


@pytest.fixture(scope="session")
def asterisk() -> Iterator[AsteriskRig]:
    """The session's Asterisk, perhaps still starting: a test takes `pbx`."""
    with asterisk_rig() as rig:
        yield rig


@pytest.fixture(scope="session")
def second_asterisk() -> Iterator[AsteriskRig]:
    """Another PBX beside the first, with a system name: a test takes `second_pbx`."""
    with asterisk_rig(system_name="branch") as rig:
        yield rig


@pytest.fixture
async def pbx(asterisk: AsteriskRig) -> AsyncIterator[AsteriskRig]:
    """The session's Asterisk, running, without calls and dynamic members."""
    await asterisk.reset()
    yield asterisk
    await asterisk.close_phones()


@pytest.fixture
async def second_pbx(second_asterisk: AsteriskRig) -> AsyncIterator[AsteriskRig]:
    """The second Asterisk, running, without calls and dynamic members."""
    await second_asterisk.reset()
    yield second_asterisk
    await second_asterisk.close_phones()


@pytest.fixture
async def ami(pbx: AsteriskRig) -> AsyncIterator[AmiClient]:
    """An AMI session that may do and see everything, with no event taken yet."""
    async with pbx.ami() as client:
        yield client
