"""The overview and the client page in a real browser, against a running service.

`site_url` is the service's address. Nothing is assumed of its call centre but that it has a queue and an
agent; what a test needs beyond that, it says itself on the WebSocket between page and service.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

TECHS = ["websocket", "sse", "long-poll"]
PAGES = ["/", "/client/websocket/*/*"]
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
LIVE_WITHIN_MS = 20_000


def open_live(page: Page, url: str) -> None:
    """Go there, and wait until the figures are live."""
    page.goto(url)
    expect(page.locator("html")).to_have_attribute("data-connection", "live", timeout=LIVE_WITHIN_MS)
    expect(page.locator(".queue").first).to_be_visible()
    expect(page.locator("[data-agent]").first).to_be_visible()


class Line:
    """The WebSocket between a page and the service, which a test can cut and speak on."""

    def __init__(self, page: Page) -> None:
        self.up = True
        self._sockets: list[WebSocketRoute] = []
        page.route_web_socket(re.compile("/websocket"), self._opened)

    def _opened(self, socket: WebSocketRoute) -> None:
        if not self.up:
            socket.close(code=1012)
            return
        socket.connect_to_server()
        self._sockets.append(socket)

    def cut(self) -> None:
        """End the connection, and let no new one through."""
        self.up = False
        self._sockets[-1].close(code=1012)

    def mend(self) -> None:
        """Let the next one through."""
        self.up = True

    def say(self, event: dict[str, Any]) -> None:
        """Send the page an event, as if it came from the service."""
        self._sockets[-1].send(json.dumps(event))


@pytest.fixture
def faults(page: Page) -> Iterator[list[str]]:
    """Everything that the page complains of; none may be left at the end."""
    seen: list[str] = []
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("console", lambda message: seen.append(message.text) if message.type == "error" else None)
    yield seen
    assert seen == []


@pytest.mark.parametrize("tech", TECHS)
def test_each_transport_shows_live_figures(page: Page, site_url: str, tech: str, faults: list[str]) -> None:
    open_live(page, f"{site_url}/client/{tech}/*/*")

    expect(page.locator(".pill")).to_have_text("Live")
    expect(page.locator('.queue [data-figure="count"]').first).to_have_text(re.compile(r"^\d+$"))
    expect(page.locator('.switch [aria-current="page"]')).to_have_attribute("href", f"/client/{tech}/*/*")


@pytest.mark.parametrize("path", PAGES)
def test_the_content_security_policy_is_there_and_kept(
    page: Page, site_url: str, path: str, faults: list[str]
) -> None:
    page.add_init_script(
        "window.refused = []; document.addEventListener('securitypolicyviolation',"
        " (event) => window.refused.push(event.violatedDirective))"
    )
    answer = page.goto(f"{site_url}{path}")
    assert answer is not None
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    open_live(page, f"{site_url}{path}")

    assert page.evaluate("window.refused") == []


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(
    browser: Browser, site_url: str, axe_script: str, path: str, theme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(color_scheme=theme, bypass_csp=True)  # axe itself is a foreign script
    page = context.new_page()
    open_live(page, f"{site_url}{path}")
    page.add_script_tag(content=axe_script)

    found = page.evaluate("rules => axe.run(document, { runOnly: rules })", RULES)

    context.close()
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found["violations"]] == []


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [360, 768, 1280, 1920])
def test_no_page_scrolls_sideways(page: Page, site_url: str, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    open_live(page, f"{site_url}{path}")

    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


@pytest.mark.parametrize("path", PAGES)
def test_a_lost_connection_looks_lost_and_comes_back(page: Page, site_url: str, path: str) -> None:
    line = Line(page)
    open_live(page, f"{site_url}{path}")

    line.cut()

    expect(page.locator(".notice")).to_contain_text("Connection lost")
    expect(page.locator(".pill")).not_to_have_text("Live")
    expect(page.locator("pbxis-queue-card:not(.not-live)")).to_have_count(0)
    frozen = page.locator("main pbxis-timer").all_text_contents()
    page.wait_for_function("begun => Date.now() - begun > 1500", arg=page.evaluate("Date.now()"))
    assert page.locator("main pbxis-timer").all_text_contents() == frozen

    line.mend()
    button = page.get_by_role("button", name="Try now")
    if button.is_visible():
        button.click()
    expect(page.locator("html")).to_have_attribute("data-connection", "live", timeout=LIVE_WITHIN_MS)
    expect(page.locator(".notice")).to_have_count(0)
    expect(page.locator("pbxis-queue-card.not-live")).to_have_count(0)


@pytest.mark.parametrize("status", ["offline", "auth_failed", "syncing"])
def test_a_pbx_that_is_not_online_is_not_shown_as_live(page: Page, site_url: str, status: str) -> None:
    line = Line(page)
    open_live(page, f"{site_url}/client/websocket/*/*")
    pbx = page.locator(".queue").first.get_attribute("data-pbx")

    line.say({"type": "pbxStatus", "pbx": pbx, "status": status, "since": 1, "reason": "no route to host"})

    expect(page.locator(f'.notice[data-status="{status}"]')).to_contain_text("no route to host")
    expect(page.locator(f'pbxis-queue-card:not(.not-live) [data-pbx="{pbx}"]')).to_have_count(0)
    expect(page.locator(f'tr[data-pbx="{pbx}"]:not(.not-live)')).to_have_count(0)
    expect(page.locator(".pill")).not_to_have_text("Live")


@pytest.mark.parametrize("path", PAGES)
def test_hostile_text_stays_text(page: Page, site_url: str, path: str, faults: list[str]) -> None:
    hostile = "<img src=x onerror=alert(1)>${1}"
    line = Line(page)
    open_live(page, f"{site_url}{path}")
    pbx = page.locator(".queue").first.get_attribute("data-pbx")

    for event in (
        {"type": "agentName", "agent": "h1", "name": hostile},
        {"type": "queueCount", "queue": hostile, "count": 1},
        {
            "type": "phoneNumber",
            "agent": "h1",
            "number": hostile,
            "uniqueId": "1",
            "calls": [
                {
                    "uniqueId": "1",
                    "number": hostile,
                    "name": hostile,
                    "queue": None,
                    "direction": "inbound",
                    "state": "connected",
                    "since": 1,
                }
            ],
        },
    ):
        line.say({"pbx": pbx, **event})

    of_agent = page.locator('[data-agent="h1"]')
    expect(of_agent.locator(".name")).to_have_text(hostile)
    expect(of_agent.locator(".number")).to_have_text(hostile)
    expect(page.locator(".queue h3", has_text=hostile)).to_have_count(1)
    expect(page.locator("main img")).to_have_count(0)


def test_a_pause_shows_its_reason(page: Page, site_url: str) -> None:
    line = Line(page)
    open_live(page, f"{site_url}/client/websocket/*/*")
    queue = page.locator(".queue").first
    pbx, name = queue.get_attribute("data-pbx"), queue.get_attribute("data-queue")

    line.say(
        {
            "type": "queueMemberStatus",
            "pbx": pbx,
            "agent": "h1",
            "queue": name,
            "status": "paused",
            "deviceStatus": "not_inuse",
            "paused": True,
            "pausedReason": "Lunch",
            "penalty": 0,
            "callsTaken": 0,
            "lastCall": None,
            "since": None,
        }
    )

    cell = page.locator(f'tr[data-agent="h1"] td[data-queue="{name}"]')
    expect(cell).to_have_text("Lunch")


def test_the_overview_adds_up_its_queues(page: Page, site_url: str) -> None:
    open_live(page, f"{site_url}/")

    figures = page.evaluate(
        """() => [
            [...document.querySelectorAll('.queue [data-figure=count]')]
                .reduce((sum, figure) => sum + Number(figure.textContent), 0),
            Number(document.querySelector('.totals [data-figure=waiting]').textContent),
        ]"""
    )

    assert figures[0] == figures[1]


def test_names_keep_the_order_of_the_address(page: Page, site_url: str) -> None:
    open_live(page, f"{site_url}/client/sse/*/*")
    names = [str(card.get_attribute("data-queue")) for card in page.locator(".queue").all()][::-1]

    open_live(page, f"{site_url}/client/sse/*/{','.join(quote(name, safe='') for name in names)}")

    expect(page.locator(".queue").first).to_have_attribute("data-queue", names[0])
    assert [card.get_attribute("data-queue") for card in page.locator(".queue").all()] == names
