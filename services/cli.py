"""The command `pbxis`: reads the command line and starts what it names.

Exit codes: 0 stopped cleanly, 1 something failed (the text says what), 2 the command line or the
configuration is wrong (nothing was started).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from services.exit_codes import exit_code_of
from services.logs import set_up_logging

_EPILOG = """\
examples:
  pbxis up                          a simulated call centre; open the address it prints
  pbxis up --config pbxis.toml      your own PBX (docs/configuration.md)
  pbxis check --config pbxis.toml   what would not work, and what to change
  pbxis tail --queues support       live events in this terminal
  pbxis tail --audit                who does what
  pbxis key add crm --roles call    an API key for a program
"""
_KEY_EPILOG = """\
A key is shown once, when it is made; the keys file (gateway.keys_file) holds hashes only. A running gateway
heeds a change within a second.

roles:
  stream   make tickets, which receive events
  call     start, redirect, park and end calls
  queue    agents in and out of queues, and on a break; queues and their statistics
  admin    all of these, read the audit, stop a gateway

examples:
  pbxis key add wallboard --roles stream --config pbxis.toml
  pbxis key add crm --roles call,queue --pbx hq > crm.key
  pbxis key list
  pbxis key revoke wallboard
"""
_KEY_FILE_HELP = "a file that holds an API key (default: the key in $PBXIS_KEY)"


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(
        prog="pbxis",
        description="What happens in an Asterisk call centre, live, in the browser.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--verbose", "-v", action="store_true", help="tell more in the log")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="run everything on this machine")
    _add_config(up)
    bridge = commands.add_parser("bridge", help="run the bridge of one PBX")
    _add_config(bridge)
    bridge.add_argument("--pbx", required=True, metavar="NAME", help="which [[pbx]] of the configuration")
    gateway = commands.add_parser("gateway", help="run one gateway; any number may run side by side")
    _add_config(gateway)
    commands.add_parser("demo-pbx", help="run the simulated Asterisk alone", add_help=False)
    check = commands.add_parser("check", help="test the configuration, each PBX login and NATS")
    _add_config(check)
    check.add_argument("--key-file", metavar="FILE", help=_KEY_FILE_HELP)
    _tail_options(commands.add_parser("tail", help="show live events in this terminal"))
    key = commands.add_parser(
        "key",
        help="make, list and revoke API keys",
        description="API keys of programs.",
        epilog=_KEY_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _key_options(key)
    return top


def _tail_options(tail: argparse.ArgumentParser) -> None:
    _add_config(tail)
    tail.add_argument("--url", help="the gateway (default: that of the configuration)")
    tail.add_argument("--agents", default="*", metavar="A,B", help="which agents (default: all)")
    tail.add_argument("--queues", default="*", metavar="A,B", help="which queues (default: all)")
    tail.add_argument("--key-file", metavar="FILE", help=_KEY_FILE_HELP)
    tail.add_argument("--audit", action="store_true", help="who does what, instead of events (role admin)")
    tail.add_argument("--plain", action="store_true", help="one JSON object a line instead of a table")


def _key_options(key: argparse.ArgumentParser) -> None:
    actions = key.add_subparsers(dest="key_command", required=True, metavar="add|list|revoke")
    add = actions.add_parser("add", help="make a key and print it, this once")
    add.add_argument("name", metavar="NAME", help="what it is called in logs and in the audit")
    add.add_argument(
        "--roles",
        required=True,
        type=_roles,
        metavar="A,B",
        help="what it may do: stream, call, queue, admin",
    )
    add.add_argument(
        "--pbx", default=(), type=_names, metavar="A,B", help="the PBXs that it is for (default: all)"
    )
    listing = actions.add_parser("list", help="show all keys, without what is secret")
    revoke = actions.add_parser("revoke", help="end a key, and every ticket that was made with it")
    revoke.add_argument("name", metavar="NAME")
    for action in (add, listing, revoke):
        _add_config(action)


def _roles(text: str) -> tuple[str, ...]:
    from services.gateway.core.principal import ROLES

    roles = _names(text)
    unknown = [role for role in roles if role not in ROLES]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no role {unknown[0]!r}; the roles are {', '.join(ROLES)}")
    return roles


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if not all(names):
        raise argparse.ArgumentTypeError("it is a list with commas and nothing left out")
    return names


def _add_config(command: argparse.ArgumentParser) -> None:
    command.add_argument("--config", metavar="FILE", help="the configuration (default: $PBXIS_CONFIG)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["demo-pbx"]:
        from services.demo_pbx.__main__ import main as demo_pbx

        return demo_pbx(arguments[1:])
    options = parser().parse_args(arguments)
    set_up_logging(verbose=options.verbose)
    return exit_code_of(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    """Each command imports what it needs and nothing else, so that it starts fast."""
    if options.command == "up":
        from services import configuration
        from services.up.app import run

        return asyncio.run(run(configuration.load(options.config)))
    if options.command == "bridge":
        from services.ami_bridge.__main__ import run_bridge

        return run_bridge(options.config, options.pbx)
    if options.command == "gateway":
        from services.gateway.__main__ import main as gateway

        return gateway(["--config", options.config] if options.config else [])
    if options.command == "check":
        from services.terminal.check import check

        return check(options.config, options.key_file)
    if options.command == "key":
        from services.terminal.key import key

        return key(options)
    if options.audit:
        from services.terminal.audit import audit

        return audit(options)
    from services.terminal.tail import tail

    return tail(options)


if __name__ == "__main__":
    sys.exit(main())
