"""A run's charts as one page: all of it inside, and nothing in it that a run's title could smuggle in."""

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from mlpcore.experiment import Experiment
from mlpcore.export import charts_html
from mlpcore.history import History
from mlpcore.training import Result, Trainer

pytestmark = pytest.mark.usefixtures("one_thread")

Train = Callable[..., tuple[Trainer, Result]]
Small = Callable[..., Experiment]

BLUE = "#0072B2"
OF_TRAINING = [
    "Training loss per step", "Loss per epoch", "Accuracy per epoch", "Health of the layers", "Learning rate",
]  # fmt: skip
OF_TEST = ["Which classes it confuses", "Accuracy per class"]


class Page(HTMLParser):
    """What a browser would find in a page: its texts by tag, its tags with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "div"):
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in self.texts:
            self.texts[self._open][-1] += data


def test_the_page_has_every_chart_with_a_heading_and_words_for_those_who_cannot_see_it(
    small: Small, train: Train
) -> None:
    trainer, result = train(small())
    page = Page(charts_html("Run 1", trainer.experiment, trainer.history, result, BLUE))
    assert page.texts["title"] == page.texts["h1"] == ["Run 1"]
    assert page.texts["h2"] == [*OF_TRAINING, *OF_TEST]
    labels = [attributes["aria-label"] for _, attributes in page.tags if attributes.get("role") == "img"]
    assert labels == page.texts["figcaption"] and len(set(labels)) == len(page.texts["h2"])
    drawings = [text for text in page.texts["script"] if "Plotly.newPlot(" in text[:500]]
    assert len(drawings) == len(labels)
    assert f"Test accuracy {100 * result.test.accuracy:.2f} %" in page.texts["p"][1]


def test_nothing_is_fetched_when_the_page_is_opened(small: Small, train: Train) -> None:
    trainer, result = train(small())
    page = Page(charts_html("Run 1", trainer.experiment, trainer.history, result, BLUE))
    assert not [tag for tag, attributes in page.tags if {"src", "href"} & set(attributes)]
    assert max(map(len, page.texts["script"])) > 1_000_000, "plotly.js is not inside"


def test_a_title_is_shown_as_it_is(small: Small, train: Train) -> None:
    trainer, result = train(small())
    title = '</title><script>alert("1")</script> & <b>'
    page = Page(charts_html(title, trainer.experiment, trainer.history, result, BLUE))
    assert page.texts["title"] == page.texts["h1"] == [title]
    assert not [text for text in page.texts["script"] if re.match("alert", text)]


def test_charts_of_what_was_not_measured_are_left_out(small: Small) -> None:
    assert "h2" not in Page(charts_html("Nothing", small(), History(small()), None, BLUE)).texts
    history = History(small())
    history.append_step(2.3, 0.1)
    page = Page(charts_html("One step", small(), history, None, BLUE))
    assert page.texts["h2"] == ["Training loss per step", "Learning rate"]
