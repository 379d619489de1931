"""The way to a session: TCP, TLS, the greeting, the login."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import shutil
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from services.ami_bridge.adapters.panoramisk_link import LinkSettings, PanoramiskLink, WantedEvents
from services.ami_bridge.errors import (
    UnsafeActionError,
)
from tests.support.link_user import QUICK, LinkUser, Pauses, link_to, running
from tests.support.requirements_gate import need
from tests.support.scripted_ami import (
    BANNER,
    ScriptedAmi,
    response,
    scripted_ami,
)
from tests.support.waiting import until


async def test_a_session_begins_after_login_and_full_boot_and_knows_the_version() -> None:
    async with scripted_ami() as ami:
        user = LinkUser()
        async with running(link_to(ami), user):
            session = await user.up()
            await until(lambda: user.events)

    assert session.asterisk == "22.10.1"
    assert [each.name for each in ami.actions][:2] == ["login", "coresettings"]
    assert [each["Event"] for each in user.events] == ["FullyBooted"]


async def test_a_user_who_never_gets_fully_booted_has_a_session_all_the_same() -> None:
    async with scripted_ami() as ami:
        ami.fully_booted = False
        ami.answers["coresettings"] = lambda action: response(action, "Error", Message="Permission denied")
        user = LinkUser()
        async with running(link_to(ami), user):
            session = await user.up()

    assert session.asterisk == ""


@pytest.mark.parametrize(
    ("banner", "reason"),
    [
        (b"", "it does not greet within"),
        (b"Asterisk Call", "it does not greet within"),
        (b"HTTP/1.1 400 Bad Request\r\n", "not a Manager Interface"),
    ],
)
async def test_what_does_not_greet_is_given_up_in_time(banner: bytes, reason: str) -> None:
    async with scripted_ami() as ami:
        ami.banner = banner
        user = LinkUser()
        async with running(link_to(ami, replace(QUICK, connect_timeout_s=0.05)), user):
            assert reason in await user.down()
            ami.banner = BANNER
            await user.up()

    assert user.downs[0][1] is False
    assert [each.name for each in ami.actions if each.connection == 1] == []


async def test_a_connection_that_ends_before_the_greeting_is_a_failed_attempt() -> None:
    async with scripted_ami() as ami:
        ami.frozen = True
        user = LinkUser()
        async with running(link_to(ami, replace(QUICK, connect_timeout_s=30)), user):
            await until(lambda: ami.open)
            ami.hang_up()
            assert await user.down() == "Asterisk closed the connection"


async def test_md5_login_never_sends_the_secret() -> None:
    async with scripted_ami() as ami:
        ami.answers["challenge"] = lambda action: response(action, Challenge="94868668")
        user = LinkUser()
        async with running(link_to(ami, replace(QUICK, md5=True)), user):
            await user.up()

    (login,) = [each for each in ami.actions if each.name == "login"]
    assert login.get("Key") == hashlib.md5(b"94868668very secret", usedforsecurity=False).hexdigest()
    assert "very secret" not in repr(ami.actions)


async def test_the_secret_is_in_no_log_and_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async with scripted_ami() as ami:
        ami.login = "ignore"
        user = LinkUser()
        with caplog.at_level(logging.DEBUG):
            async with running(link_to(ami, replace(QUICK, login_timeout_s=0.02)), user):
                await user.down(2)
                ami.login = "refuse"
                await user.down(4)
    logged = caplog.text + repr(user.downs) + repr(QUICK)

    assert "no link to Asterisk" in logged
    assert "very secret" not in logged


@pytest.mark.parametrize(("username", "secret"), [("pbxis", "x\r\nAction: Command"), ("x\n", "x")])
def test_a_user_or_secret_that_cannot_be_sent_is_refused_at_once(username: str, secret: str) -> None:
    settings = LinkSettings(host="127.0.0.1", username=username, secret=secret)

    with pytest.raises(UnsafeActionError) as caught:
        PanoramiskLink(settings, WantedEvents(frozenset()))

    assert "Command" not in str(caught.value)


async def test_a_hung_connect_is_given_up_in_time() -> None:
    # A socket that listens with a full backlog accepts nothing more: the next connect gets no answer at all.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(full.getsockname())
            user = LinkUser()
            ami = ScriptedAmi(port=full.getsockname()[1])
            async with running(link_to(ami, replace(QUICK, connect_timeout_s=0.05)), user):
                assert await user.down() in {
                    "no connection within 0.05 s",
                    "it does not greet within 0.05 s",
                }
        finally:
            for filler in fillers:
                filler.close()


async def _certificate(folder: Path) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        need("openssl", "a certificate is made with it")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-days", "2", "-subj", "/CN=pbx", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    assert await asyncio.wait_for(process.wait(), 20) == 0
    return key, certificate


async def test_tls_trusts_the_given_certificate_and_no_other(tmp_path: Path) -> None:
    key, certificate = await _certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    quick = replace(QUICK, tls=True, connect_timeout_s=5)

    async with scripted_ami(tls=context) as ami:
        trusting, wary = LinkUser(), LinkUser()
        async with running(link_to(ami, replace(quick, tls_ca=str(certificate))), trusting):
            await trusting.up()
        async with running(link_to(ami, quick, Pauses(most=0)), wary):
            assert "certificate verify failed" in await wary.down()

    assert ami.count("login") == 1


def test_a_certificate_file_that_is_not_there_is_told_at_once() -> None:
    settings = replace(QUICK, tls=True, tls_ca="no-such-file.pem")

    with pytest.raises(OSError, match="No such file"):
        PanoramiskLink(settings, WantedEvents(frozenset()))
