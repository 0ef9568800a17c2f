"""Lesson links: what they fill in, lock and hide, and what hostile ones get."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from mlpcore.experiment import Experiment
from mlpcore.runs import RunQueue

Opener = Callable[..., AppTest]


@pytest.fixture
def open_page(queue: RunQueue) -> Opener:
    """Opens a page with an address, as a session that came through app.py."""

    def open_page(page: str, **address: str | list[str]) -> AppTest:
        app = AppTest.from_file(f"../../pages/{page}.py", default_timeout=60)
        app.session_state["seen_app"] = True
        for name, value in address.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return open_page


def link(app: AppTest) -> dict[str, list[str]]:
    """The parameters of the link that the page has made."""
    return parse_qs(urlsplit(app.code[0].value).query)


def test_a_link_fills_the_form_with_all_of_an_experiment(open_page: Opener, queue: RunQueue) -> None:
    app = open_page("train", experiment="hidden:64,32 optimizer:sgd learning_rate:0.5 normalize:on seed:7 epochs:1")
    app.button(key="train").click().run()
    [run] = queue.runs()
    queue.stop(run)
    assert run.experiment == Experiment().changed(
        hidden=(64, 32), optimizer="sgd", learning_rate=0.5, normalize=True, seed=7, epochs=1
    )


def test_the_link_made_brings_the_same_form(open_page: Opener, queue: RunQueue) -> None:
    app = open_page("train")
    app.text_input(key="form_layer_0").set_value("77")
    app.selectbox(key="form_order").set_value("stored").run()
    [experiment] = link(app)["experiment"]
    other = open_page("train", experiment=experiment)
    assert other.text_input(key="form_layer_0").value == "77"
    assert other.selectbox(key="form_order").value == "stored"
    assert link(other)["experiment"] == [experiment]


def test_a_lesson_asks_locks_and_hides(open_page: Opener) -> None:
    app = open_page("train", question="What <b>now</b>?", lock="learning_rate,hidden", hide="optimizer,finder,presets")
    assert app.text[0].value == "What <b>now</b>?"
    assert app.text_input(key="form_learning_rate").disabled
    assert app.text_input(key="form_layer_0").disabled
    assert app.button(key="form_add_layer").disabled
    assert not app.text_input(key="form_epochs").disabled
    keys = {element.key for element in [*app.selectbox, *app.button]}
    assert "form_optimizer" not in keys
    assert "form_preset_one-hidden" not in keys
    assert not app.button(key="train").disabled
    app.button(key="lesson_leave").click().run()
    assert not app.text_input(key="form_learning_rate").disabled
    assert "lock" not in app.query_params


def test_a_lesson_is_made_on_the_page(open_page: Opener) -> None:
    app = open_page("train")
    app.text_area(key="lesson_question").set_value("Why?  ")
    app.multiselect(key="lesson_lock").set_value(["epochs"])
    app.multiselect(key="lesson_hide").set_value(["threads", "device"]).run()
    made = link(app)
    assert (made["question"], made["lock"], made["hide"]) == (["Why?"], ["epochs"], ["threads,device"])


def test_a_comparison_can_be_a_lesson_too(open_page: Opener) -> None:
    app = open_page("compare", model=["hidden:8", "hidden:16"], question="Which?", lock="hidden,epochs")
    assert app.text[0].value == "Which?"
    assert app.text_input(key="compare_hidden_0").disabled
    assert app.text_input(key="compare_all_epochs").disabled
    assert link(app)["model"] == ["hidden:8", "hidden:16"]


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ({"lock": "everything"}, "'everything'"),
        ({"hide": "hidden,__class__"}, "'__class__'"),
        ({"question": "x" * 301}, "301 characters"),
        ({"experiment": "epochs:-1"}, "Epochs -1 is not possible"),
        ({"experiment": "hidden"}, "'hidden'"),
        ({"experiment": "x" * 10_000}, "10,000 characters"),
    ],
    ids=str,
)
def test_a_hostile_link_is_refused_with_a_sentence(open_page: Opener, address: dict[str, str], part: str) -> None:
    app = open_page("train", **address)
    assert part in app.warning[0].value
    assert app.text_input(key="form_layer_0").value == "512"
    assert not app.button(key="train").disabled
