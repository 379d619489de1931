"""`pbxis demo-pbx`: runs the demo PBX until SIGTERM or SIGINT."""

import argparse
import asyncio
import logging
import math
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from services.demo_pbx.server import DemoPbx
from services.demo_pbx.settings import DemoPbxSettings

BAD_CONFIGURATION = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 after a clean stop, 2 for arguments that cannot be used."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    arguments = _parser().parse_args(argv)
    try:
        secret = _read_secret(arguments.secret_file)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"--secret-file: {error}\n")
        return BAD_CONFIGURATION
    settings = DemoPbxSettings(
        username=arguments.username,
        secret=secret,
        seed=arguments.seed,
        speed=arguments.speed,
        host=arguments.host,
        port=arguments.port,
    )
    try:
        asyncio.run(_run(settings))
    except OSError as error:
        sys.stderr.write(f"--host, --port: cannot listen on {settings.host}:{settings.port}: {error}\n")
        return BAD_CONFIGURATION
    return 0


async def _run(settings: DemoPbxSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    demo = DemoPbx(settings)
    port = await demo.start(settings.host, settings.port)
    if not settings.secret:
        _say(f"username {demo.username} secret {demo.secret}")
    _say(f"ready AMI {settings.host}:{port}")
    await stop.wait()
    await demo.close()


def _read_secret(path: Path | None) -> str:
    if path is None:
        return ""
    secret = path.read_text(encoding="utf-8").strip()
    if not secret or not secret.isprintable():
        raise ValueError(f"{path} does not hold a secret on one line")
    return secret


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    defaults = DemoPbxSettings()
    parser = argparse.ArgumentParser(
        prog="pbxis demo-pbx", description="A simulated Asterisk call centre behind a real AMI port."
    )
    parser.add_argument("--host", default=defaults.host, help="address to listen on")
    parser.add_argument("--port", type=_port, default=defaults.port, help="port; 0: any free one")
    parser.add_argument("--username", default=defaults.username, help="AMI user")
    parser.add_argument("--secret-file", type=Path, help="file with the AMI secret; without: a random one")
    parser.add_argument(
        "--speed", type=_speed, default=defaults.speed, help="simulated seconds a real second (0.01 to 100)"
    )
    parser.add_argument("--seed", type=int, default=defaults.seed, help="same seed, same course of events")
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("must be 0 to 65535")
    return port


def _speed(text: str) -> float:
    speed = float(text)
    if not (math.isfinite(speed) and 0.01 <= speed <= 100):
        raise argparse.ArgumentTypeError("must be 0.01 to 100")
    return speed


if __name__ == "__main__":
    raise SystemExit(main())
