"""One AMI connection: login, its own event classes and filters, and its actions."""

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable, Sequence

from services.demo_pbx.core.actions import HANDLERS, Reply, Request
from services.demo_pbx.core.actions.system import AMI_VERSION, COMMANDS, fully_booted
from services.demo_pbx.core.ami_filters import ALL_CLASSES, EventFilter, passes, read_filter, read_mask
from services.demo_pbx.core.ami_input import ActionReader, BadInput
from services.demo_pbx.core.events import AmiEvent
from services.demo_pbx.core.pbx import Pbx
from services.demo_pbx.live_centre import LiveCentre
from services.demo_pbx.settings import DemoPbxSettings

log = logging.getLogger(__name__)

FAILED_LOGIN_PAUSE_S = 1.0
READ_BYTES = 1 << 16


class AmiSession:
    """See the module. `run` lasts as long as the connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        centre: LiveCentre,
        settings: DemoPbxSettings,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._centre = centre
        self._settings = settings
        self._classes = ALL_CLASSES
        self._filters: list[EventFilter] = []
        self._challenge = ""
        self._unsubscribe: Callable[[], None] | None = None
        self._over = False

    async def run(self) -> None:
        """Serve the client until it leaves, is refused, or does not read."""
        self._send(f"Asterisk Call Manager/{AMI_VERSION}\r\n".encode())
        try:
            async with asyncio.timeout(self._settings.auth_timeout_s) as deadline:
                await self._serve(lambda: deadline.reschedule(None))
        except TimeoutError:
            log.info("AMI client did not log in in time")
        except ConnectionError as error:
            log.info("AMI client lost: %s", error)
        finally:
            self.end()

    def end(self) -> None:
        """Let the client go: what is written is still sent."""
        self._over = True
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self._writer.close()

    def abort(self) -> None:
        """Cut the client off at once."""
        self.end()
        self._writer.transport.abort()

    def tell_shutdown(self) -> None:
        """The last event of a PBX that stops cleanly."""
        if self._unsubscribe is not None:
            self._take_events([AmiEvent("Shutdown", [("Shutdown", "Cleanly"), ("Restart", "False")])])

    async def _serve(self, logged_in: Callable[[], None]) -> None:
        actions = ActionReader()
        while not self._over and (data := await self._reader.read(READ_BYTES)):
            for request in actions.feed(data):
                await self._take(request, logged_in)
                if self._over:
                    return

    async def _take(self, request: Request | BadInput, logged_in: Callable[[], None]) -> None:
        if isinstance(request, BadInput):
            Reply("", self._send).error(request.message)
            return
        reply = Reply(request.action_id, self._send)
        match request.action.lower():
            case "login":
                await self._login(request, reply, logged_in)
            case "challenge":
                self._give_challenge(request, reply)
            case "logoff":
                reply.respond("Goodbye", [("Message", "Thanks for all the fish.")])
                self.end()
            case "":
                reply.error("Missing action in request")
            case _ if self._unsubscribe is None:
                reply.error("Permission denied")
            case action:
                self._act(action, request, reply)

    def _act(self, action: str, request: Request, reply: Reply) -> None:
        match action:
            case "events":
                self._classes = read_mask(request.get("EventMask"))
                reply.respond("Success", [("Events", "On" if self._classes else "Off")])
            case "filter":
                self._add_filter(request, reply)
            case "listcommands":
                reply.respond("Success", COMMANDS)
            case _ if action in HANDLERS:
                handler = HANDLERS[action]
                self._centre.act(lambda pbx: handler(pbx, request, reply))
            case _:
                reply.error(
                    f"Invalid/unknown command: {request.action}."
                    " Use Action: ListCommands to show available commands."
                )

    # --- login --------------------------------------------------------------------------------

    def _give_challenge(self, request: Request, reply: Reply) -> None:
        if request.get("AuthType").upper() != "MD5":
            reply.error("Must specify AuthType")
            return
        self._challenge = self._challenge or str(secrets.randbelow(900_000_000) + 100_000_000)
        reply.respond("Success", [("Challenge", self._challenge)])

    async def _login(self, request: Request, reply: Reply, logged_in: Callable[[], None]) -> None:
        if self._unsubscribe is not None:
            reply.success("Already authenticated")
            return
        if not self._authentic(request):
            reply.error("Authentication failed")
            await asyncio.sleep(FAILED_LOGIN_PAUSE_S)
            self.end()
            return
        logged_in()
        if events := request.get("Events"):
            self._classes = read_mask(events)
        reply.success("Authentication accepted")
        self._centre.act(self._begin)

    def _begin(self, pbx: Pbx) -> None:
        self._unsubscribe = self._centre.subscribe(self._take_events)
        self._take_events([AmiEvent("FullyBooted", fully_booted(pbx))])

    def _authentic(self, request: Request) -> bool:
        """By secret, or by the MD5 of challenge and secret."""
        given, wanted = request.get("Secret"), self._settings.secret
        if request.get("AuthType").upper() == "MD5":
            if not self._challenge:
                return False
            digest = hashlib.md5((self._challenge + wanted).encode(), usedforsecurity=False)
            given, wanted = request.get("Key").lower(), digest.hexdigest()
        name_matches = hmac.compare_digest(request.get("Username").encode(), self._settings.username.encode())
        return hmac.compare_digest(given.encode(), wanted.encode()) and name_matches

    # --- events -------------------------------------------------------------------------------

    def _add_filter(self, request: Request, reply: Reply) -> None:
        if request.get("Operation").lower() != "add":
            reply.error("Unknown operation")
            return
        event_filter = read_filter(request.get("MatchCriteria") or None, request.get("Filter"))
        if event_filter is None:
            reply.error("Filter was formatted incorrectly.  Check the syntax of the filter given.")
            return
        self._filters.append(event_filter)
        reply.success("Success")

    def _take_events(self, events: Sequence[AmiEvent]) -> None:
        wanted = [
            event.encoded
            for event in events
            if event.event_class in self._classes and passes(self._filters, event)
        ]
        if wanted:
            self._send(b"".join(wanted))

    def _send(self, data: bytes) -> None:
        """Never waits: a client that does not read is cut off, as Asterisk does."""
        if self._over or self._writer.is_closing():
            return
        self._writer.write(data)
        if self._writer.transport.get_write_buffer_size() > self._settings.write_limit_bytes:
            log.warning("AMI client does not read; cut off")
            self.abort()
