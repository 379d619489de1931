"""The recorded scenarios, played on the demo PBX by scripted people in virtual time."""

from collections.abc import Callable, Mapping

from services.demo_pbx.core import transfers
from services.demo_pbx.core.channels import DECLINED, Channel
from services.demo_pbx.core.devices import DeviceState
from services.demo_pbx.core.events import AmiEvent
from services.demo_pbx.core.originating import OriginatedCall, OriginateOrder
from services.demo_pbx.core.simulation import quiet_centre
from tests.contract.ami_sequences.transcript import Transcript, parse

AGENT, OTHER, UNREGISTERED = "101", "102", "140"
SUPPORT = "600"
CHANNEL_ID = "pbxis-00112233445566778899aabbccddeeff"
CUSTOMER = ("01632960999", "Customer")


class Script:
    """A quiet centre with its two agents, and what its events were, as bytes."""

    def __init__(self) -> None:
        self.pbx = quiet_centre(1_800_000_000.0)
        self.queue = self.pbx.switch.queues["support"]
        self._data = bytearray()
        self.pbx.switch.sinks.append(self._record)

    def _record(self, event: AmiEvent) -> None:
        self._data += event.encoded

    @property
    def transcript(self) -> Transcript:
        return Transcript(parse(bytes(self._data)))

    def wait(self, seconds: float) -> None:
        self.pbx.schedule.run_until(self.pbx.schedule.now + seconds)

    def log_in(self, agent: str = AGENT, *, paused: bool = False) -> None:
        self.pbx.membership.add(self.queue, f"PJSIP/{agent}", name=f"Agent {agent}", paused=paused)

    def customer_calls(self, exten: str = SUPPORT) -> Channel:
        channel = self.pbx.call_in(exten, *CUSTOMER)
        self.wait(1)
        return channel

    def dial(self, exten: str, agent: str = AGENT) -> Channel:
        return self.pbx.call_from(self.pbx.switch.devices[f"PJSIP/{agent}"], exten)

    def leg(self, device: str = f"PJSIP/{AGENT}") -> Channel:
        """The newest channel of a device."""
        return self.pbx.switch.devices[device].channels[-1]

    def answer(self, agent: str = AGENT) -> Channel:
        leg = self.leg(f"PJSIP/{agent}")
        self.pbx.answer(leg)
        return leg

    def queue_conversation(self) -> tuple[Channel, Channel]:
        """A customer and the agent, two seconds into their talk."""
        self.log_in()
        caller = self.customer_calls()
        leg = self.answer()
        self.wait(2)
        return caller, leg

    def direct_conversation(self) -> tuple[Channel, Channel]:
        caller = self.dial(OTHER)
        self.wait(1)
        callee = self.answer(OTHER)
        self.wait(2)
        return caller, callee

    def originate(
        self,
        dial_string: str = f"PJSIP/{AGENT}",
        exten: str = OTHER,
        caller_id: str = "",
        channel_id: str = "",
    ) -> None:
        order = OriginateOrder(
            dial_string,
            "default",
            exten,
            timeout_s=4,
            caller_id=caller_id,
            channel_id=channel_id,
            action_id=channel_id or "o1",
        )
        OriginatedCall(self.pbx, order, lambda answered: None).start()

    def originate_named(self, exten: str = OTHER, *, agent: str = AGENT) -> None:
        """As the bridge does: with an id of its own, and the destination shown on the phone."""
        self.originate(f"PJSIP/{agent}", exten, caller_id=exten, channel_id=CHANNEL_ID)
        self.wait(0.3)

    def agent_answers(self, exten: str = OTHER) -> Channel:
        """The originated call rings, the agent takes it, the destination is called."""
        self.originate_named(exten)
        leg = self.answer()
        self.wait(0.3)
        return leg


def caller_completes(script: Script) -> None:
    caller, _ = script.queue_conversation()
    script.pbx.hang_up(caller)


def agent_completes(script: Script) -> None:
    script.queue.recorded = False  # as the recorded queue
    _, leg = script.queue_conversation()
    script.pbx.hang_up(leg)


def abandon_waiting(script: Script) -> None:
    script.pbx.hang_up(script.customer_calls())


def abandon_ringing(script: Script) -> None:
    script.log_in()
    script.pbx.hang_up(script.customer_calls())


def ring_no_answer_next(script: Script) -> None:
    script.queue.ring_s = 5
    script.log_in()
    script.log_in(OTHER, paused=True)
    script.customer_calls()
    script.wait(2)
    script.pbx.membership.pause(f"PJSIP/{OTHER}", False, "", None)
    script.wait(4.8)
    script.answer(OTHER)
    script.wait(1)
    script.pbx.hang_up(script.leg(f"PJSIP/{OTHER}"))


def member_lifecycle(script: Script) -> None:
    interface, membership = f"PJSIP/{AGENT}", script.pbx.membership
    second = script.pbx.switch.queues["sales"]
    phone = script.pbx.switch.devices[interface]
    phone.registered, phone.state = False, DeviceState.UNAVAILABLE
    script.pbx.switch.register(phone, True)
    script.log_in()
    membership.add(second, interface, name=f"Agent {AGENT}")
    membership.pause(interface, True, "Lunch, back at 2", script.queue)
    membership.pause(interface, True, "Again", script.queue)
    membership.pause(interface, False, "", script.queue)
    membership.pause(interface, True, "all queues", None)
    membership.pause(interface, False, "", None)
    membership.set_penalty(interface, 7, script.queue)
    membership.set_ring_in_use(interface, True, script.queue)
    membership.remove(script.queue, interface)
    membership.remove(second, interface)


def park_and_fetch(script: Script) -> None:
    caller, leg = script.queue_conversation()
    transfers.park(script.pbx, caller, told=leg)
    script.wait(3)
    script.dial("701", OTHER)
    script.wait(2)
    script.pbx.hang_up(caller)


def park_and_give_up(script: Script) -> None:
    caller, leg = script.queue_conversation()
    transfers.park(script.pbx, caller, told=leg)
    script.wait(2)
    script.pbx.hang_up(caller)
    script.pbx.hang_up(leg)


def park_and_time_out(script: Script) -> None:
    """As recorded: a first parking is fetched, the second one runs out and nobody takes the call."""
    caller, leg = script.queue_conversation()
    transfers.park(script.pbx, caller, told=leg)
    script.wait(3)
    fetcher = script.dial("701", OTHER)
    script.wait(1)
    transfers.park(script.pbx, caller, told=None, timeout_s=5)
    script.wait(1)
    assert fetcher.gone
    empty = script.dial("719", OTHER)
    script.wait(1)
    script.pbx.hang_up(empty)
    script.wait(4)


def hold_and_unhold(script: Script) -> None:
    caller, callee = script.direct_conversation()
    for channel in (caller, callee):
        script.pbx.hold(channel)
        script.wait(1)
        script.pbx.unhold(channel)
    script.pbx.hang_up(caller)


def blind_transfer_by_phone(script: Script) -> None:
    _blind_transfer(script, by_phone=True)


def blind_transfer_by_action(script: Script) -> None:
    _blind_transfer(script, by_phone=False)


def _blind_transfer(script: Script, *, by_phone: bool) -> None:
    caller, leg = script.queue_conversation()
    transfers.blind_transfer(script.pbx, leg, "default", OTHER, by_phone=by_phone)
    script.wait(1)
    script.answer(OTHER)
    script.wait(1)
    script.pbx.hang_up(caller)


def direct_call(script: Script) -> None:
    caller, _ = script.direct_conversation()
    script.pbx.hang_up(caller)


def redirect_direct_call(script: Script) -> None:
    caller, _ = script.direct_conversation()
    transfers.redirect(script.pbx, caller, "default", "103")
    script.wait(1)
    script.answer("103")
    script.wait(1)
    script.pbx.hang_up(caller)


def outbound(script: Script) -> None:
    caller = script.dial("01632960111")
    script.wait(1)
    script.pbx.answer(script.leg("PJSIP/trunk"))
    script.wait(1)
    script.pbx.hang_up(caller)


def inbound_direct(script: Script) -> None:
    caller = script.customer_calls(AGENT)
    script.answer()
    script.wait(1)
    script.pbx.hang_up(caller)


def originate(script: Script) -> None:
    script.originate(caller_id=f'"Click to call" <{OTHER}>')
    script.wait(1)
    script.answer()
    script.wait(1)
    script.pbx.hang_up(script.answer(OTHER))


def originate_outside(script: Script) -> None:
    script.originate(exten="01632960111")
    script.wait(1)
    script.answer()
    script.wait(1)
    remote = script.leg("PJSIP/trunk")
    script.pbx.answer(remote)
    script.wait(1)
    script.pbx.hang_up(remote)


def originate_busy(script: Script) -> None:
    """The phone answers 486, as when its owner set it to do not disturb."""
    script.pbx.switch.devices[f"PJSIP/{AGENT}"].state = DeviceState.BUSY
    script.originate()


def originate_no_answer(script: Script) -> None:
    script.originate()
    script.wait(5)


def originate_unregistered(script: Script) -> None:
    for dial_string in (f"PJSIP/{UNREGISTERED}", "PJSIP/999", "SIP/101"):
        script.originate(dial_string)


def originate_with_an_id(script: Script) -> None:
    script.agent_answers()
    callee = script.answer(OTHER)
    script.wait(0.8)
    script.pbx.hang_up(callee)


def originate_rejected(script: Script) -> None:
    script.originate_named()
    script.pbx.reject(script.leg())


def originate_declined(script: Script) -> None:
    script.originate_named()
    script.pbx.reject(script.leg(), DECLINED)


def originate_hung_up(script: Script) -> None:
    script.originate_named()
    script.pbx.hang_up(script.leg())


def hangup_ringing_direct(script: Script) -> None:
    script.customer_calls(AGENT)
    script.pbx.hang_up(script.leg())


def hangup_ringing_queue(script: Script) -> None:
    script.log_in()
    caller = script.customer_calls()
    script.pbx.hang_up(script.leg())
    script.wait(0.3)
    script.pbx.hang_up(caller)


def originate_rings_out(script: Script) -> None:
    script.originate_named()
    script.wait(5)


def originate_not_there(script: Script) -> None:
    script.originate_named(agent=UNREGISTERED)


def destination_busy(script: Script) -> None:
    script.pbx.switch.devices[f"PJSIP/{OTHER}"].state = DeviceState.BUSY
    script.agent_answers()


def destination_declines(script: Script) -> None:
    script.agent_answers()
    script.pbx.reject(script.leg(f"PJSIP/{OTHER}"), DECLINED)


def destination_rings_out(script: Script) -> None:
    script.agent_answers()
    script.wait(20)


def destination_not_there(script: Script) -> None:
    script.agent_answers(UNREGISTERED)


def destination_busy_tone(script: Script) -> None:
    script.agent_answers("503")
    script.wait(5)


def destination_congestion(script: Script) -> None:
    script.agent_answers("504")
    script.wait(5)


def agent_hangs_up_while_the_destination_rings(script: Script) -> None:
    script.pbx.hang_up(script.agent_answers())


def blind_transfer_to_nowhere(script: Script) -> None:
    _, leg = script.queue_conversation()
    transfers.blind_transfer(script.pbx, leg, "default", "999", by_phone=False)


def redirect_waiting(script: Script) -> None:
    caller = script.customer_calls()
    transfers.redirect(script.pbx, caller, "default", "501")
    script.wait(0.5)
    script.pbx.hang_up(caller)


SCENARIOS: Mapping[str, Callable[[Script], None]] = {
    "queue_caller_completes": caller_completes,
    "queue_agent_completes": agent_completes,
    "queue_abandon_no_agents": abandon_waiting,
    "queue_abandon_while_ringing": abandon_ringing,
    "queue_ring_no_answer_next": ring_no_answer_next,
    "member_lifecycle": member_lifecycle,
    "park_retrieve": park_and_fetch,
    "park_giveup": park_and_give_up,
    "park_variants": park_and_time_out,
    "hold_unhold": hold_and_unhold,
    "transfer_blind_sip": blind_transfer_by_phone,
    "transfer_blind_action": blind_transfer_by_action,
    "direct_call": direct_call,
    "redirect_direct_call": redirect_direct_call,
    "outbound_by_agent": outbound,
    "inbound_direct": inbound_direct,
    "originate_ok": originate,
    "originate_outside": originate_outside,
    "originate_agent_busy": originate_busy,
    "originate_agent_no_answer": originate_no_answer,
    "originate_agent_unregistered": originate_unregistered,
    "actions/originate_channel_id": originate_with_an_id,
    "actions/originate_agent_rejects_busy": originate_rejected,
    "actions/originate_agent_declined": originate_declined,
    "actions/originate_agent_rings_out": originate_rings_out,
    "actions/originate_hung_up": originate_hung_up,
    "actions/hangup_ringing_direct": hangup_ringing_direct,
    "actions/hangup_ringing_queue": hangup_ringing_queue,
    "actions/originate_agent_not_there": originate_not_there,
    "actions/originate_agent_hangs_up": agent_hangs_up_while_the_destination_rings,
    "actions/originate_destination_busy": destination_busy,
    "actions/originate_destination_declined": destination_declines,
    "actions/originate_destination_no_answer": destination_rings_out,
    "actions/originate_destination_unregistered": destination_not_there,
    "actions/originate_destination_busy_tone": destination_busy_tone,
    "actions/originate_destination_congestion": destination_congestion,
    "actions/transfer_blind_unknown_extension": blind_transfer_to_nowhere,
    "actions/redirect_waiting_caller": redirect_waiting,
}
"""Each by the name of its recording in tests/fixtures/ami."""


def simulated(name: str) -> Transcript:
    """The same scenario on the demo PBX."""
    script = Script()
    SCENARIOS[name](script)
    script.wait(1)
    return script.transcript
