"""The Draw page's behaviour in Streamlit's own headless runner, which starts with whatever the canvas held last."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment
from mlpcore.figures import probability_in_words
from mlpcore.identity import new_name
from mlpcore.models import BUNDLED, load, save
from mlpcore.runs import Run, RunQueue
from mlpcore.snapshots import Watch
from tests.handwriting import canvas_json
from tests.waiting import until
from ui.models import draw_with
from ui.session import belongings_of
from ui.words import a_digit

BEST, TWO_HIDDEN, ONE_HIDDEN = (
    f"{title} (bundled)" for title in ("Best for drawing", "Two hidden layers", "One hidden layer")
)
USUAL = ["drawing", "two-hidden", "one-hidden"]


@pytest.fixture
def page(queue: RunQueue) -> AppTest:
    return fresh_page()


def fresh_page() -> AppTest:
    page = AppTest.from_file("../../pages/draw.py", default_timeout=60)
    # As if app.py had run, which would bring the Train page first.
    page.session_state["seen_app"] = True
    return page


_SHEETS = itertools.count(1)


def drawn(page: AppTest, content: object) -> AppTest:
    """The page with this on its canvas."""
    page.session_state["canvas_last"] = content
    page.session_state["canvas_sheet"] = next(_SHEETS)
    page.run()
    assert not page.exception
    return page


def answers(page: AppTest) -> dict[str, str]:
    """What each model answers, as in "4 · 95.3 %"."""
    tables = [element.value for element in page.markdown if element.value.startswith("| Model")]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for table in tables for row in table.splitlines()[2:]]
    return {
        model: answer.replace("**", "").replace("\u00a0", " ").partition(" :orange")[0] for model, answer, _ in rows
    }


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def words(page: AppTest) -> str:
    return " ".join(element.value for element in [*page.subheader, *page.markdown, *page.caption])


def test_an_empty_sheet_says_what_to_do_and_claims_nothing(page: AppTest) -> None:
    page.run()
    assert "Draw a digit from 0 to 9" in page.info[0].value
    assert not answers(page)


@pytest.mark.parametrize("digit", range(10))
def test_a_drawn_digit_is_read_by_the_three_bundled_models(page: AppTest, digit: int) -> None:
    drawn(page, canvas_json(digit))
    said = answers(page)
    assert list(said) == [BEST, TWO_HIDDEN, ONE_HIDDEN]
    assert said[BEST].startswith(f"{digit} ·")
    agree = len({answer[0] for answer in said.values()}) == 1
    assert (f"All 3 models read {a_digit(digit)}" in words(page)) == agree
    assert ("They disagree" in words(page)) != agree


def test_size_and_place_make_no_difference(page: AppTest) -> None:
    large = answers(drawn(page, canvas_json(3)))
    small = answers(drawn(fresh_page(), canvas_json(3, scale=0.8, left=150, top=12)))
    assert {model: answer[0] for model, answer in large.items()} == {m: answer[0] for m, answer in small.items()}


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"objects": None},
        {"objects": [None, 3, {"type": "path"}, {"path": "M 1 2"}, {"path": [["M", "x", None]]}]},
        {"objects": [{"type": "path", "path": [["M", float("nan"), 1e308], ["L", -1e308, 3]]}]},
        {"objects": [{"type": "rect", "left": 3, "top": 4, "width": 5, "height": 6}]},
    ],
)
def test_whatever_the_browser_sends_the_page_stands(page: AppTest, content: object) -> None:
    drawn(page, content)


def test_a_single_dot_gets_a_word_of_warning(page: AppTest) -> None:
    drawn(page, {"objects": [{"type": "path", "strokeWidth": 16, "path": [["M", 100, 100], ["L", 100.02, 100]]}]})
    assert page.warning


def test_a_letter_that_a_model_is_sure_of_is_told_apart_from_the_test(page: AppTest) -> None:
    letter = {"objects": [
        {"type": "path", "strokeWidth": 16, "path": [["M", 60, 260], ["L", 150, 40], ["L", 240, 260]]},
        {"type": "path", "strokeWidth": 16, "path": [["M", 95, 180], ["L", 205, 180]]},
    ]}  # fmt: skip
    drawn(page, letter)
    assert answers(page)
    assert "all digits" in words(page)


def test_fewer_models_can_be_chosen_and_none_says_so(page: AppTest) -> None:
    drawn(page, canvas_json(1))
    page.multiselect(key="models_picked").set_value(["one-hidden"]).run()
    assert list(answers(page)) == [ONE_HIDDEN]
    assert f"{ONE_HIDDEN} reads a 1" in words(page)
    page.multiselect(key="models_picked").set_value([]).run()
    assert "Choose at least one model" in page.info[0].value
    assert not page.exception
    page.multiselect(key="models_picked").set_value(["drawing"]).run()
    assert answers(page)[BEST].startswith("1 ·"), "the drawing is still there"


def test_a_finished_run_joins_the_models(
    page: AppTest, queue: RunQueue, small: Callable[..., Experiment], mnist: Dataset
) -> None:
    mine = page.session_state["owner"] = new_name()
    run = queue.submit(small(), mine)
    other = queue.submit(small(dataset="fashion-mnist"), mine)
    until(lambda: run.status.is_final and other.status.is_final, "both runs end")
    drawn(page, canvas_json(1))
    offered = page.multiselect(key="models_picked").options
    assert run.title in offered
    assert other.title not in offered, "a model of clothes reads no digits"
    page.multiselect(key="models_picked").set_value([run.id]).run()
    assert list(answers(page)) == [f"Run {run.number}"]


def finished(queue: RunQueue, experiment: Experiment, owner: str) -> Run:
    run = queue.submit(experiment, owner)
    until(lambda: run.status.is_final, "the run ends")
    return run


def test_the_newest_run_of_ones_own_answers_first_until_other_models_are_chosen(
    page: AppTest, queue: RunQueue, small: Callable[..., Experiment]
) -> None:
    mine = page.session_state["owner"] = new_name()
    drawn(page, canvas_json(1))
    picker = page.multiselect(key="models_picked")
    assert picker.value == USUAL
    assert all(title.startswith("Bundled: ") for title in picker.options)
    finished(queue, small(), new_name())
    run = finished(queue, small(), mine)
    page.run()
    assert page.multiselect(key="models_picked").value == [run.id, *USUAL]
    assert list(answers(page)) == [f"Run {run.number}", BEST, TWO_HIDDEN, ONE_HIDDEN]
    assert "models" not in page.query_params
    page.multiselect(key="models_picked").set_value(["drawing"]).run()
    finished(queue, small(seed=1), mine)
    page.run()
    assert list(answers(page)) == [BEST]


def test_another_page_can_ask_for_a_model_to_draw_with(
    page: AppTest, queue: RunQueue, small: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = page.session_state["owner"] = new_name()
    older, newer = (finished(queue, small(seed=seed), mine) for seed in (0, 1))
    with monkeypatch.context() as patch:
        patch.setattr("streamlit.session_state", page.session_state)
        draw_with(older.id)
    drawn(page, canvas_json(1))
    picked = page.multiselect(key="models_picked")
    assert picked.value == [older.id, newer.id, *USUAL[:2]]
    picked.set_value(["drawing"]).run()
    page.run()
    assert page.multiselect(key="models_picked").value == ["drawing"], "it was asked for once"


def test_a_renamed_run_has_its_new_name_everywhere(
    page: AppTest, queue: RunQueue, small: Callable[..., Experiment]
) -> None:
    mine = page.session_state["owner"] = new_name()
    run = finished(queue, small(), mine)
    drawn(page, canvas_json(1))
    run.name = "Second try"
    page.run()
    assert not page.exception
    assert "Second try" in page.multiselect(key="models_picked").options
    assert "Second try" in page.selectbox(key="drawn_why_model").options


def test_the_code_gives_the_answers_that_the_page_shows(
    page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None
) -> None:
    drawn(page, canvas_json(8))
    (code,) = [code.value for code in page.code if "load_file" in code.value]
    for title, name in [("best-for-drawing-bundled", "drawing"), ("two-hidden-layers-bundled", "two-hidden"),
                        ("one-hidden-layer-bundled", "one-hidden")]:  # fmt: skip
        save(load(BUNDLED[name]), tmp_path / f"{title}.safetensors")
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {}
    exec(compile(code, "<snippet>", "exec"), namespace)
    shown = [
        f"{probabilities.argmax()} · {probability_in_words(float(probabilities.max()))}"
        for probabilities in namespace["answers"].values()
    ]
    assert shown == list(answers(page).values())


def keep(page: AppTest, label: int) -> AppTest:
    pills: Any = next(group for group in page.button_group if group.label == "It was a")
    pills.set_value(label).run()
    assert not page.exception
    return page


def test_what_it_was_is_kept_corrected_and_taken_back(page: AppTest) -> None:
    drawn(page, canvas_json(7))
    keep(page, 1)
    collection = belongings_of(page.session_state["owner"]).digits
    assert [digit.label for digit in collection.digits] == [1]
    assert len(collection.digits[0].strokes) == 1
    drawn(page, canvas_json(2))
    keep(page, 2)
    drawn(page, canvas_json(7))
    keep(page, 7)
    assert [digit.label for digit in collection.digits] == [7, 2], "another answer to the same drawing corrects it"
    assert "as a 7 (2 in total)" in " ".join(caption.value for caption in page.caption)
    pills: Any = next(group for group in page.button_group if group.label == "It was a")
    assert pills.value == 7
    pills.set_value(None).run()
    assert [digit.label for digit in collection.digits] == [2]


def test_my_digits_shows_scores_and_teaches_a_copy(page: AppTest, mnist: Dataset) -> None:
    page.session_state["owner"] = new_name()
    collection = belongings_of(page.session_state["owner"]).digits
    for row in range(9):
        collection.keep(mnist.test.images[row], [], int(mnist.test.labels[row]))
    page.query_params["tab"] = "digits"
    page.query_params["models"] = "one-hidden"
    drawn(page, None)
    assert re.fullmatch(r"\d of 9 right", metrics(page)[ONE_HIDDEN])
    page.button(key="my_digits_tune").click().run()
    assert not page.exception
    said = page.success[0].value
    assert "3 held-out drawings" in said
    assert "too few drawings" in said
    chosen = page.multiselect(key="models_picked").value
    assert "tuned-1" in chosen
    assert re.fullmatch(r"\d of 3 right", metrics(page)["My copy 1"]), "a copy is scored on what it never saw"
    page.button(key="my_digits_clear").click().run()
    assert not collection.digits


def test_watching_needs_a_drawing_and_then_trains(page: AppTest, queue: RunQueue) -> None:
    page.query_params["tab"] = "watch"
    drawn(page, None)
    assert any("Draw a digit first" in info.value for info in page.info)
    page = fresh_page()
    page.query_params["tab"] = "watch"
    drawn(page, canvas_json(4))
    page.selectbox(key="watch_experiment").set_value("One hidden layer (256)")
    page.button(key="watch_train").click().run()
    (run,) = queue.runs()
    watch = run.watch
    assert isinstance(watch, Watch)
    until(lambda: len(watch.looks) > 20, "the model is asked")
    queue.stop(run)
    until(lambda: run.status.is_final, "the run ends")
    page.run()
    assert not page.exception
    slider = page.select_slider[0]
    slider.set_value(0).run()
    assert not page.exception
    untrained = watch.looks[0].probabilities
    assert metrics(page)["After step 0"].startswith(f"{untrained.argmax()} · {100 * untrained.max():.1f}")
