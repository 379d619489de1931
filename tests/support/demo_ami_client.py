"""A small AMI client for tests of the demo PBX's port."""

import asyncio
from types import TracebackType

from tests.contract.ami_sequences.transcript import Message, parse

PATIENCE_S = 10.0
SECRET = "s3cret"


class AmiClient:
    """One connection. Messages are read when asked for; each wait has a deadline."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.banner = b""

    @classmethod
    async def connect(cls, port: int) -> "AmiClient":
        client = cls(*await asyncio.open_connection("127.0.0.1", port))
        async with asyncio.timeout(PATIENCE_S):
            client.banner = await client.reader.readline()
        return client

    async def __aenter__(self) -> "AmiClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.transport.abort()

    def send(self, **headers: str) -> None:
        lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
        self.writer.write("".join([*lines, "\r\n"]).encode())

    async def message(self) -> Message:
        async with asyncio.timeout(PATIENCE_S):
            data = await self.reader.readuntil(b"\r\n\r\n")
        (message,) = parse(data)
        return message

    async def until(self, **wanted: str) -> Message:
        """The next message with these headers."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = await self.message()
                if all(message[name] == value for name, value in wanted.items()):
                    return message

    async def ask(self, **headers: str) -> Message:
        self.send(ActionID="ask", **headers)
        return await self.until(ActionID="ask")

    async def log_in(self, secret: str = SECRET, **more: str) -> Message:
        return await self.ask(Action="Login", Username="demo", Secret=secret, **more)

    async def closed(self) -> bytes:
        """Whatever still comes until the server closes."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.read()
