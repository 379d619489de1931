"""The demo call centre as one object with a clock that is passed in."""

import random

from services.demo_pbx.core.pbx import Pbx
from services.demo_pbx.core.roster import demo_agents, demo_queues
from services.demo_pbx.core.schedule import Schedule
from services.demo_pbx.core.traffic import Load, Traffic

WARM_UP_S = 900.0


def quiet_centre(now: float, seed: int = 1) -> Pbx:
    """The PBX with its queues and phones, but nobody who calls or works there."""
    pbx = Pbx(Schedule(now), random.Random(seed))
    for queue in demo_queues():
        pbx.add_queue(queue)
    for agent in demo_agents():
        pbx.add_phone(agent.exten, agent.name, agent.registered, lines=2 if agent.call_waiting else 1)
    return pbx


def busy_centre(now: float, seed: int, load: Load | None = None) -> Pbx:
    """The call centre at `now` (seconds since the epoch), after a quarter of an hour of work.

    The same seed and start give the same run, message for message, for as long as no client acts.
    """
    pbx = quiet_centre(now - WARM_UP_S, seed)
    traffic = Traffic(pbx, demo_agents(), random.Random(seed + 1), load or Load())
    pbx.switch.people = traffic
    traffic.start()
    pbx.schedule.run_until(now)
    traffic.raise_curtain()
    return pbx
