"""A real Asterisk in a container, with phones, callers and a hand on its power switch."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import quote

from docker.models.containers import Container

from tests.support.asterisk_rig.ami_client import AmiClient, AmiClosedError, AmiMessage, AmiRefusedError
from tests.support.asterisk_rig.database import stored_values
from tests.support.asterisk_rig.docker_engine import image_of, require_engine, running, sweep
from tests.support.asterisk_rig.polling import eventually
from tests.support.asterisk_rig.ports import free_ports
from tests.support.sip import Answering, SipCall, SipPhone

_FOLDER = Path(__file__).parents[3] / "deploy" / "asterisk"
_BOOTS_WITHIN_S = 15.0


class AsteriskRig:
    """One running Asterisk. Its methods work in any event loop; it keeps no connection open by itself.

    Attributes:
        ami_port, ami_tls_port, sip_port, trunk_port: on 127.0.0.1, the same after every restart.
        ami_secret: of every AMI user but ``admin``.
        admin_secret: of ``admin``.
    """

    def __init__(self, container: Container, ports: list[int], keys: dict[str, str]) -> None:
        self.ami_port, self.ami_tls_port, self.sip_port, self.trunk_port = ports
        self.ami_secret = keys["PBX_AMI_SECRET"]
        self.admin_secret = keys["PBX_AMI_ADMIN_SECRET"]
        self._sip_secret = keys["PBX_SIP_SECRET"]
        self._container = container
        self._phones: list[SipPhone] = []

    # ---------------------------------------------------------------- talking to Asterisk

    @asynccontextmanager
    async def ami(self, user: str = "admin") -> AsyncGenerator[AmiClient]:
        """An AMI session as one of the users of ``deploy/asterisk/conf/manager.conf``."""
        secret = self.admin_secret if user == "admin" else self.ami_secret
        async with await AmiClient.connect(self.ami_port, user, secret) as client:
            yield client

    async def cli(self, command: str) -> str:
        """What a command of Asterisk's console prints."""
        return await self._run("asterisk", "-rx", command)

    async def ca_pem(self) -> str:
        """The certificate of AMI over TLS (for ``localhost`` and 127.0.0.1); it signs itself."""
        return await self._run("cat", "/var/lib/asterisk/ami.crt")

    async def members(self, queue: str) -> list[AmiMessage]:
        """``QueueMember`` of each member of a queue."""
        return await self._status(queue, "QueueMember")

    async def waiting(self, queue: str) -> list[AmiMessage]:
        """``QueueEntry`` of each caller who waits in a queue."""
        return await self._status(queue, "QueueEntry")

    async def channels(self) -> list[AmiMessage]:
        """``CoreShowChannel`` of each channel."""
        async with self.ami() as ami:
            return await ami.list("CoreShowChannels")

    # ---------------------------------------------------------------- phones and callers

    async def phone(self, agent: str, *, answering: Answering = Answering.RING) -> SipPhone:
        """The registered phone of an agent, ``140`` to ``149``; closed by `close_phones`."""
        phone = await SipPhone.open(agent, server_port=self.sip_port, password=self._sip_secret)
        self._phones.append(phone)
        phone.answering = answering
        await phone.register()
        return phone

    async def caller(
        self, number: str, name: str = "", *, queue: str = "support", extension: str | None = None
    ) -> SipCall:
        """Somebody outside calls a queue, by its name, or an extension. Returns while the call is set up."""
        phone = await SipPhone.open(number, name=name, server_port=self.sip_port, headers=[self._trunk_mark])
        self._phones.append(phone)
        if extension is not None:
            return await phone.dial(extension)
        return await phone.dial("queue", [("X-Queue", quote(_as_argument(queue), safe=""))])

    async def outside(self, *, answering: Answering = Answering.RING) -> SipPhone:
        """The phone that all calls to the outside line (``0...``) reach."""
        phone = await SipPhone.open(
            "outside", server_port=self.sip_port, port=self.trunk_port, headers=[self._trunk_mark]
        )
        self._phones.append(phone)
        phone.answering = answering
        return phone

    async def sign_in(self, agent: str, queue: str, **headers: str) -> None:
        """Make an agent a dynamic member of a queue, named ``Agent <number>``."""
        headers = {"MemberName": f"Agent {agent}", **headers}
        async with self.ami() as ami:
            await ami.action("QueueAdd", Queue=queue, Interface=f"PJSIP/{agent}", **headers)

    # ---------------------------------------------------------------- the power switch

    async def booted(self) -> None:
        """Wait until Asterisk has started fully."""
        await eventually(self._is_booted, "Asterisk has booted", timeout_s=_BOOTS_WITHIN_S)

    async def kill(self) -> None:
        """SIGKILL: calls are lost, connections break, nothing is said. `start` brings it back."""
        await asyncio.to_thread(self._container.kill, "SIGKILL")
        await eventually(self._is_down, "Asterisk is down")

    async def start(self) -> None:
        """Start Asterisk again, on the same ports and with its persistent members."""
        await asyncio.to_thread(self._container.start)
        await self.booted()

    async def stop_signal(self) -> None:
        """SIGSTOP: sockets stay open and nobody answers, until `cont`."""
        await asyncio.to_thread(self._container.kill, "SIGSTOP")

    async def cont(self) -> None:
        await asyncio.to_thread(self._container.kill, "SIGCONT")

    async def saved(self, text: str) -> None:
        """Wait until a value with ``text`` is in Asterisk's database, which is up to a second late.

        Before that, `kill` loses a dynamic member or a registration. A member is ``<interface>;...`` there, a
        registration has the phone's contact.
        """

        async def written() -> bool:
            return any(text in value for value in await asyncio.to_thread(stored_values, self._container))

        await eventually(written, f"{text} is saved")

    async def restart_now(self) -> None:
        """``core restart now``: a clean end of all calls, then a new start in the same process."""
        async with self.ami() as ami:
            with contextlib.suppress(AmiClosedError):
                await ami.send("Command", Command="core restart now")
            await ami.gone(_BOOTS_WITHIN_S)
        await self.booted()

    # ---------------------------------------------------------------- order

    async def reset(self) -> None:
        """Bring Asterisk back to how it started.

        No calls, no registered phones, no dynamic members, nobody paused, zero counts.
        """
        await self.close_phones()
        await self._revive()
        async with self.ami() as ami:

            async def silent() -> bool:
                await ami.send("Hangup", Channel="/.*/")
                return not await ami.list("CoreShowChannels")

            await eventually(silent, "all channels are gone")
            for agent in await _registered(ami):
                await (await self.phone(agent)).unregister()
            for item in await ami.list("QueueStatus"):
                if item["Event"] == "QueueMember":
                    await _restore(ami, item)
            await ami.action("QueueReset")
        await self.close_phones()

    async def close_phones(self) -> None:
        """Close every phone that this rig has given out. They are as if unplugged: Asterisk is not told."""
        while self._phones:
            await self._phones.pop().close()

    @property
    def _trunk_mark(self) -> tuple[str, str]:
        return "X-Pbx-Trunk", self._sip_secret

    async def _run(self, *command: str) -> str:
        done = await asyncio.to_thread(self._container.exec_run, list(command))
        if not isinstance(done.output, bytes):  # it would be a stream only if that was asked for
            raise TypeError(done.output)
        return done.output.decode("utf-8", "replace")

    async def _status(self, queue: str, event: str) -> list[AmiMessage]:
        async with self.ami() as ami:
            items = await ami.list("QueueStatus", Queue=queue)
        return [item for item in items if item["Event"] == event]

    async def _revive(self) -> None:
        await asyncio.to_thread(self._container.reload)
        if self._container.status == "running":
            await self.cont()
        else:
            await asyncio.to_thread(self._container.start)
        await self.booted()

    async def _is_booted(self) -> bool:
        try:
            async with self.ami() as ami:
                await ami.event("FullyBooted")
        except (OSError, AmiClosedError):
            return False
        return True

    async def _is_down(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.ami_port)
        except OSError:
            return True
        writer.close()
        return False


@contextmanager
def asterisk_rig(*, system_name: str = "", parking_time_s: int = 5) -> Generator[AsteriskRig]:
    """Start an Asterisk of its own, on free ports, beside any other; await `AsteriskRig.booted`.

    Args:
        system_name: ``systemname`` of asterisk.conf, a prefix of every Uniqueid; empty for none.
        parking_time_s: after which a parked call comes back, when the action says no other time.
    """
    require_engine()
    sweep()
    ports = free_ports(4)
    names = ("PBX_AMI_SECRET", "PBX_AMI_ADMIN_SECRET", "PBX_SIP_SECRET")
    keys = {name: secrets.token_hex(8) for name in names}
    settings = {
        **keys,
        "PBX_AMI_PORT": str(ports[0]),
        "PBX_AMI_TLS_PORT": str(ports[1]),
        "PBX_SIP_PORT": str(ports[2]),
        "PBX_TRUNK_PORT": str(ports[3]),
        "PBX_SYSTEM_NAME": system_name,
        "PBX_PARKING_TIME_S": str(parking_time_s),
    }
    with running(image_of(_FOLDER, "pbxis-asterisk"), settings) as container:
        yield AsteriskRig(container, ports, keys)


async def _registered(ami: AmiClient) -> set[str]:
    try:
        contacts = await ami.list("PJSIPShowContacts")
    except AmiRefusedError:  # how Asterisk says that there are none
        return set()
    return {contact["Endpoint"] for contact in contacts}


async def _restore(ami: AmiClient, member: AmiMessage) -> None:
    where = {"Queue": member["Queue"], "Interface": member["Location"]}
    if member["Membership"] == "dynamic":
        await ami.action("QueueRemove", **where)
        return
    if member["Paused"] != "0":
        await ami.action("QueuePause", Paused="false", **where)
    if member["Penalty"] != "0":
        await ami.action("QueuePenalty", Penalty="0", **where)


def _as_argument(text: str) -> str:
    """A text as one argument of a dialplan application: commas and quotes lose their meaning."""
    for special in '\\",()[]':
        text = text.replace(special, "\\" + special)
    return text
