"""What the streams cost and reach, each figure beside a floor or a peer of the same run.

Names choose scenarios; without any, all are run. Server and load are kept on different cores where the
figure is CPU. Needs a C compiler for the load client. The exit code is 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import traceback
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import uvloop

from benchmarks.rig import machine, results
from benchmarks.streams import coming_up, end_to_end, fan_out, memory, pressure, take_over
from benchmarks.streams.plan import FULL, QUICK, Plan
from benchmarks.streams.table import Row, missed, rendered

Scenario = Callable[[Plan], Awaitable[list[Row]]]

SCENARIOS: dict[str, Scenario] = {
    "single": fan_out.single_events,
    "burst16": fan_out.bursts,
    "scattered": fan_out.scattered,
    "wallboard": fan_out.wallboards,
    "sse": fan_out.server_sent_events,
    "many": fan_out.many_clients,
    "sustained": fan_out.sustained,
    "ami": end_to_end.ami_to_browser,
    "flood": pressure.burst,
    "stalled": pressure.stalled,
    "latestalled": pressure.late_and_stalled,
    "memory": memory.a_connection,
    "cold": coming_up.cold_start,
    "reconnect": coming_up.reconnecting,
    "late": coming_up.late,
    "takeover": take_over.of_a_bridge,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run; the exit code."""
    parser = _parser()
    options = parser.parse_args(argv)
    unknown = [name for name in options.scenarios if name not in SCENARIOS]
    if unknown:
        parser.error(f"no scenario is named {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    plan = QUICK if options.quick else FULL
    if options.rounds:
        plan = msgspec.structs.replace(plan, rounds=options.rounds)
    return uvloop.run(_run(options.scenarios or list(SCENARIOS), plan, kept=options.keep))


async def _run(names: Sequence[str], plan: Plan, *, kept: bool) -> int:
    today = datetime.datetime.now(datetime.UTC).date()
    head = f"{today}, {machine.described()}; {plan.rounds} rounds, medians"
    head += "; QUICK: not to be quoted" * plan.quick
    rows: list[Row] = []
    for name in names:
        print(f"… {name}", file=sys.stderr, flush=True)
        try:
            rows.extend(await SCENARIOS[name](plan))
        except Exception as error:  # noqa: BLE001 - the other scenarios are still of interest
            traceback.print_exc()
            rows.append(Row(what=name, ours="failed", target="to end", reached=False, note=repr(error)[:100]))
    found = missed(rows)
    table = f"{head}\n\n{rendered(rows)}\n"
    if found:
        of = sum(row.reached is not None for row in rows)
        table += f"\nMISSED {len(found)} of {of}: {'; '.join(found)}\n"
    print(table)
    if kept:
        print(f"written to {results.keep('streams', '# Streams', table)}")
    return 1 if found else 0


def _parser() -> argparse.ArgumentParser:
    lines = [f"  {name:12}{scenario.__doc__}" for name, scenario in SCENARIOS.items()]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.streams",
        description=__doc__,
        epilog="scenarios:\n" + "\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO")
    parser.add_argument("--rounds", type=int, help=f"how often each is measured (default {FULL.rounds})")
    parser.add_argument("--quick", action="store_true", help="one short round: does everything work?")
    parser.add_argument("--keep", action="store_true", help="write the table into benchmarks/results/")
    return parser


if __name__ == "__main__":
    sys.exit(main())
