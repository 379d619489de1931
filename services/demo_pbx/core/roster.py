"""Who works in the demo call centre, and who calls it. All names and numbers are made up.

Outside numbers are of the range that the British regulator keeps free for films, 01632 960xxx.
"""

from dataclasses import dataclass

from services.demo_pbx.core.queues import Queue

FIRST_EXTEN = 101
UNPLUGGED = frozenset({"137", "140"})
SPARE = frozenset({"138", "139"})
CALL_WAITING = frozenset({"139"})
BUSY_ENDING, SILENT_ENDING = "17", "19"
"""Outside numbers that end so are busy, or never answer; named after the hangup causes."""

AGENT_NAMES = (
    "Ada Example",
    "Bruno Sample",
    "Cleo Specimen",
    "Dario Muster",
    "Élodie Exemple",
    "Felix Dummy",
    "Greta Sample",
    "Hugo Example",
    "Iris Placeholder",
    "Jürgen Muster",
    "Kira Specimen",
    "Leo Dummy",
    "Mila Primjer",
    "Nils Example",
    "Olga Sample",
    "Pablo Ejemplo",
    "Quinn Placeholder",
    "Rosa Specimen",
    "Søren Eksempel",
    "Tara Dummy",
    "Ugo Esempio",
    "Vera Example",
    "Willi Muster",
    "Xenia Sample",
    "Yann Exemple",
    "Žarko Primjer",
    "Anton Specimen",
    "Bella Placeholder",
    "Carlos Ejemplo",
    "Dora Primjer",
    "Emil Dummy",
    "Fiona Example",
    "Łukasz Przykład",
    "Hana Sample",
    "Ivo Primjer",
    "Juno Placeholder",
    "Karl Muster",
    "Lena Specimen",
    "Marta Dummy",
    "Çağla Örnek",
)

CALLER_NAMES = (
    "",
    "Example Bakery",
    "Sample & Daughters",
    "Specimen Garage",
    "Möbelhaus Muster",
    "Café Exemple",
    "Pekara Primjer",
    "Örnek Çiçek",
    "Przykład Łódź",
    "例子商店",
    "Placeholder Hotel",
    'Dummy "Quick" Couriers',
    "Museum: Example",
)

WITHHELD = "anonymous"
PAUSE_REASONS = ("Lunch", "Coffee", "Training", "Back office", "Meeting", "Café, back at 2", "")


@dataclass(frozen=True, slots=True)
class AgentProfile:
    """An agent: number, name, and the queues he works in with his penalty there.

    `registered`: his phone is plugged in. `spare`: nobody sits there; the phone answers, but the
    demo's people do nothing with it by themselves, so it is free to try things with.
    `call_waiting`: the phone takes a second call, and the first one is put on hold.
    """

    exten: str
    name: str
    queues: tuple[tuple[str, int], ...]
    registered: bool = True
    spare: bool = False
    call_waiting: bool = False

    @property
    def interface(self) -> str:
        return f"PJSIP/{self.exten}"


def demo_queues() -> list[Queue]:
    return [
        Queue("support", "600", "rrmemory", service_level_s=20),
        Queue("sales", "601", "leastrecent", service_level_s=20),
        Queue("billing", "602", "fewestcalls", service_level_s=30),
        Queue("orders", "603", "rrmemory", service_level_s=20, recorded=False),
        Queue("vip.es-en", "604", "leastrecent", service_level_s=10, weight=5),
    ]


def demo_agents() -> list[AgentProfile]:
    """Forty agents: most in one queue, every third in two, every seventh also for the VIPs."""
    agents: list[AgentProfile] = []
    homes = ("support", "sales", "support", "orders", "billing", "support", "sales", "orders")
    second = {"support": "orders", "sales": "support", "billing": "sales", "orders": "billing"}
    for index, name in enumerate(AGENT_NAMES):
        home = homes[index % len(homes)]
        queues = [(home, 0)]
        if index % 3 == 0:
            queues.append((second[home], 2))
        if index % 7 == 3:
            queues.append(("vip.es-en", 0))
        exten = str(FIRST_EXTEN + index)
        agents.append(
            AgentProfile(
                exten,
                name,
                tuple(queues),
                registered=exten not in UNPLUGGED,
                spare=exten in SPARE,
                call_waiting=exten in CALL_WAITING,
            )
        )
    return agents
