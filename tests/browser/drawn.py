"""Waiting for a page to be complete, its charts included."""

from playwright.sync_api import Locator, Page, expect

_ALL_FIT = """() => [...document.querySelectorAll(".live-chart, .js-plotly-plot")].every(
    chart => chart._fullLayout && Math.abs(chart._fullLayout.width - chart.clientWidth) <= 1
)"""


def until_drawn(page: Page) -> None:
    """Waits until the script has ended and every chart is drawn as wide as its place is."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    page.wait_for_function(_ALL_FIT)


def unfold(place: Page | Locator, title: str) -> None:
    """Opens the expander with this title, and waits until it has come to rest: a click on what moves may miss it."""
    summary = place.locator("summary", has_text=title)
    summary.click()
    summary.evaluate(
        """node => Promise.allSettled(
            node.parentElement.getAnimations({ subtree: true }).map(animation => animation.finished)
        )"""
    )
