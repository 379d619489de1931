"""The people of the demo: callers come and lose patience, agents answer, talk, pause, go home.

Everything they do goes through the same operations as AMI actions do, after a delay drawn from
the seeded generator, and only if it still makes sense by then.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from services.demo_pbx.core import transfers
from services.demo_pbx.core.channels import Bridge, Channel, ChannelState
from services.demo_pbx.core.originating import OriginatedCall
from services.demo_pbx.core.pbx import Pbx
from services.demo_pbx.core.queueing import QueueCall
from services.demo_pbx.core.roster import (
    BUSY_ENDING,
    CALLER_NAMES,
    PAUSE_REASONS,
    SILENT_ENDING,
    WITHHELD,
    AgentProfile,
)

PERIOD_S = 900.0
"""A quarter of an hour is the demo's day: queues fill and empty within what a viewer sees."""
SWING = 0.5
LEAST_PAUSED, MOST_PAUSED = 2, 7
FEWEST_ON_DUTY = 31
OFF_DUTY_AT_FIRST = 2


@dataclass(frozen=True, slots=True)
class Load:
    """Mean calls a second into each queue, and mean seconds between what agents do themselves."""

    queue_calls_per_s: tuple[tuple[str, float], ...] = (
        ("support", 0.060),
        ("sales", 0.036),
        ("billing", 0.043),
        ("orders", 0.030),
        ("vip.es-en", 0.018),
    )
    outgoing_every_s: float = 55.0
    direct_every_s: float = 150.0
    inbound_direct_every_s: float = 150.0
    pause_every_s: float = 35.0
    shift_every_s: float = 70.0


class Traffic:
    """See the module. `start` lets the people begin."""

    def __init__(self, pbx: Pbx, agents: list[AgentProfile], rng: random.Random, load: Load) -> None:
        self._pbx = pbx
        self._rng = rng
        self._load = load
        self._agents = {a.interface: a for a in agents if a.registered and not a.spare}

    def start(self) -> None:
        for agent in list(self._agents.values())[:-OFF_DUTY_AT_FIRST]:
            self._log_in(agent)
        for index, (queue, rate) in enumerate(self._load.queue_calls_per_s):
            phase = index * math.tau / len(self._load.queue_calls_per_s)
            self._arrivals(self._pbx.switch.queues[queue].exten, rate, phase)
        self._repeat(self._load.outgoing_every_s, self._call_outside)
        self._repeat(self._load.direct_every_s, self._call_colleague)
        self._repeat(self._load.inbound_direct_every_s, self._call_agent_from_outside)
        self._repeat(self._load.pause_every_s, self._pause_somebody)
        self._repeat(self._load.shift_every_s, self._change_shift)

    def raise_curtain(self) -> None:
        """See to it that the first look shows what there is to show: someone waits, someone rests."""
        queues = self._pbx.switch.queues
        for queue in ("support", "vip.es-en", "billing"):
            if not queues[queue].waiting:
                self._pbx.call_in(queues[queue].exten, *self._outsider())
        while sum(self._is_paused(agent) for agent in self._agents.values()) < LEAST_PAUSED:
            self._pause_somebody()

    # --- what the switch tells ----------------------------------------------------------------

    def phone_rings(self, leg: Channel) -> None:
        """Who clicked to call answers at once; a queue call may find nobody at the desk."""
        if self._pbx.switch.devices[leg.device].trunk:
            self._outside_rings(leg)
        elif isinstance(leg.task, OriginatedCall):
            self._later(self._between(0.8, 1.6), leg, lambda: self._answer(leg))
        elif not isinstance(leg.task, QueueCall) or self._rng.random() > 0.07:
            self._later(self._between(1.5, 7), leg, lambda: self._answer(leg))

    def _answer(self, leg: Channel) -> None:
        """Who takes a second call puts the first one on hold."""
        for other in self._pbx.switch.devices[leg.device].channels:
            self._pbx.hold(other)
        self._pbx.answer(leg)

    def _outside_rings(self, leg: Channel) -> None:
        if leg.exten.endswith(BUSY_ENDING):
            self._later(self._between(1, 3), leg, lambda: self._pbx.reject(leg))
        elif not leg.exten.endswith(SILENT_ENDING):
            self._later(self._between(3, 10), leg, lambda: self._pbx.answer(leg))

    def waits(self, caller: Channel) -> None:
        patience = 8 + self._rng.expovariate(1 / 60)
        self._later(patience, caller, lambda: self._lose_patience(caller))

    def _lose_patience(self, caller: Channel) -> None:
        if caller.bridge is None and caller.application == "Queue" and not caller.outstanding:
            self._pbx.hang_up(caller)

    def connected(self, caller: Channel, callee: Channel) -> None:
        bridge = caller.bridge
        if bridge is None:
            return
        talk = self._rng.triangular(20, 180, 60)
        agent = self._agent_leg(caller, callee)
        first = caller if self._rng.random() < 0.6 else callee
        chance = self._rng.random()
        if agent is None or agent.peer is None:
            self._while_talking(talk, bridge, first, lambda: self._pbx.hang_up(first))
        elif chance < 0.07:
            self._while_talking(talk * 0.6, bridge, agent, lambda: self._transfer(agent))
            self._while_talking(talk, bridge, first, lambda: self._pbx.hang_up(first))
        elif chance < 0.14:
            self._while_talking(talk * 0.5, bridge, agent, lambda: self._park(agent))
            self._while_talking(talk, bridge, first, lambda: self._pbx.hang_up(first))
        else:
            if chance < 0.28:
                self._hold_for_a_while(bridge, agent, talk * 0.4)
            self._while_talking(talk, bridge, first, lambda: self._pbx.hang_up(first))

    def parked(self, channel: Channel, space: int) -> None:
        chance = self._rng.random()
        if chance < 0.6:
            self._later(self._between(8, 30), channel, lambda: self._fetch(space, channel))
        elif chance < 0.8:
            self._later(self._between(10, 35), channel, lambda: self._give_up_parked(space, channel))

    # --- what agents do in a call -------------------------------------------------------------

    def _hold_for_a_while(self, bridge: Bridge, agent: Channel, start: float) -> None:
        def hold() -> None:
            self._pbx.hold(agent)
            self._while_talking(self._between(5, 25), bridge, agent, lambda: self._pbx.unhold(agent))

        self._while_talking(start, bridge, agent, hold)

    def _transfer(self, agent: Channel) -> None:
        target = self._free_agent()
        if target is not None:
            transfers.blind_transfer(self._pbx, agent, agent.context, target.exten, by_phone=True)

    def _park(self, agent: Channel) -> None:
        peer = agent.peer
        if peer is not None:
            transfers.park(self._pbx, peer, told=agent)

    def _fetch(self, space: int, channel: Channel) -> None:
        fetcher = self._free_agent()
        stay = self._pbx.lot.stays.get(space)
        if fetcher is not None and stay is not None and stay.channel is channel:
            self._pbx.call_from(self._pbx.switch.devices[fetcher.interface], str(space))

    def _give_up_parked(self, space: int, channel: Channel) -> None:
        stay = self._pbx.lot.stays.get(space)
        if stay is not None and stay.channel is channel:
            self._pbx.hang_up(channel)

    def _agent_leg(self, caller: Channel, callee: Channel) -> Channel | None:
        """The agent of an agent's call with the outside; None where two agents talk."""
        legs = [leg for leg in (caller, callee) if not self._pbx.switch.devices[leg.device].trunk]
        return legs[0] if len(legs) == 1 else None

    # --- calls --------------------------------------------------------------------------------

    def _arrivals(self, exten: str, rate: float, phase: float) -> None:
        """A Poisson process whose rate goes up and down (by thinning one of the highest rate)."""
        highest = rate * (1 + SWING)

        def arrive() -> None:
            wave = 1 + SWING * math.sin(math.tau * self._pbx.schedule.now / PERIOD_S + phase)
            if self._rng.random() * highest < rate * wave:
                self._pbx.call_in(exten, *self._outsider())
            self._pbx.schedule.after(self._rng.expovariate(highest), arrive)

        self._pbx.schedule.after(self._rng.expovariate(highest), arrive)

    def _outsider(self) -> tuple[str, str]:
        if self._rng.random() < 0.08:
            return WITHHELD, "Anonymous"
        return self._number(), self._rng.choice(CALLER_NAMES)

    def _number(self) -> str:
        return f"01632960{self._rng.randrange(200, 1000)}"

    def _call_outside(self) -> None:
        agent = self._free_agent()
        if agent is not None:
            number, chance = self._number(), self._rng.random()
            if chance < 0.2:
                number = number[:-2] + (BUSY_ENDING if chance < 0.08 else SILENT_ENDING)
            self._pbx.call_from(self._pbx.switch.devices[agent.interface], number)

    def _call_colleague(self) -> None:
        first, second = self._free_agent(), self._free_agent()
        if first is not None and second is not None and first is not second:
            self._pbx.call_from(self._pbx.switch.devices[first.interface], second.exten)

    def _call_agent_from_outside(self) -> None:
        agent = self._free_agent()
        if agent is not None:
            self._pbx.call_in(agent.exten, *self._outsider())

    # --- agents' day --------------------------------------------------------------------------

    def _pause_somebody(self) -> None:
        paused = [a for a in self._agents.values() if self._is_paused(a)]
        working = [a for a in self._agents.values() if self._on_duty(a) and not self._is_paused(a)]
        if working and len(paused) < MOST_PAUSED:
            agent = self._rng.choice(working)
            self._pbx.membership.pause(agent.interface, True, self._rng.choice(PAUSE_REASONS), None)
            self._pbx.schedule.after(self._between(60, 330), lambda: self._unpause(agent))

    def _unpause(self, agent: AgentProfile) -> None:
        if self._is_paused(agent):
            self._pbx.membership.pause(agent.interface, False, "", None)

    def _change_shift(self) -> None:
        on_duty = [a for a in self._agents.values() if self._on_duty(a)]
        off_duty = [a for a in self._agents.values() if not self._on_duty(a)]
        idle = [a for a in on_duty if self._pbx.switch.devices[a.interface].free]
        if off_duty and (len(on_duty) <= FEWEST_ON_DUTY or self._rng.random() < 0.5):
            self._log_in(self._rng.choice(off_duty))
        elif idle and len(on_duty) > FEWEST_ON_DUTY:
            leaving = self._rng.choice(idle)
            for queue in self._pbx.switch.queues.values():
                self._pbx.membership.remove(queue, leaving.interface)

    def _log_in(self, agent: AgentProfile) -> None:
        for name, penalty in agent.queues:
            queue = self._pbx.switch.queues[name]
            self._pbx.membership.add(queue, agent.interface, name=agent.name, penalty=penalty)

    def _on_duty(self, agent: AgentProfile) -> bool:
        return any(agent.interface in queue.members for queue in self._pbx.switch.queues.values())

    def _is_paused(self, agent: AgentProfile) -> bool:
        members = (queue.members.get(agent.interface) for queue in self._pbx.switch.queues.values())
        return any(member is not None and member.paused for member in members)

    def _free_agent(self) -> AgentProfile | None:
        free = [
            agent
            for agent in self._agents.values()
            if self._pbx.switch.devices[agent.interface].free and self._on_duty(agent)
        ]
        return self._rng.choice(free) if free else None

    # --- time ---------------------------------------------------------------------------------

    def _between(self, least_s: float, most_s: float) -> float:
        return self._rng.uniform(least_s, most_s)

    def _repeat(self, mean_s: float, act: Callable[[], None]) -> None:
        def again() -> None:
            act()
            self._pbx.schedule.after(self._rng.expovariate(1 / mean_s), again)

        self._pbx.schedule.after(self._rng.expovariate(1 / mean_s), again)

    def _later(self, delay_s: float, channel: Channel, act: Callable[[], None]) -> None:
        """Do it unless the channel has gone by then."""
        state = channel.state

        def step() -> None:
            if not channel.gone and (channel.state is state or channel.state is ChannelState.UP):
                act()

        self._pbx.schedule.after(delay_s, step)

    def _while_talking(
        self, delay_s: float, bridge: Bridge, channel: Channel, act: Callable[[], None]
    ) -> None:
        """Do it unless this conversation is over by then."""

        def step() -> None:
            if not channel.gone and channel.bridge is bridge and channel.peer is not None:
                act()

        self._pbx.schedule.after(delay_s, step)
