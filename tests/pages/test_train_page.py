"""The Train page's behaviour in Streamlit's own headless runner; what only a browser shows is in tests/browser."""

import pytest
from streamlit.testing.v1 import AppTest

from mlpcore import datasets
from mlpcore.datasets import Dataset, DataUnavailable
from mlpcore.experiment import TUTORIAL_PRESETS, Experiment, experiment_from_fields
from mlpcore.runs import RunQueue, Status
from tests.small_runs import small
from tests.waiting import until
from ui.fields import FIELDS
from ui.models import PICKED


@pytest.fixture
def app(queue: RunQueue) -> AppTest:
    app = AppTest.from_file("../../app.py", default_timeout=60).switch_page("pages/train.py").run()
    assert not app.exception
    return app


def fill(app: AppTest, **texts: str) -> AppTest:
    for name, text in texts.items():
        app.text_input(key=f"form_{name}").set_value(text)
    return app.run()


def red_sentences(app: AppTest) -> str:
    return " ".join(element.value for element in app.markdown if element.value.startswith(":red")).replace("\\", "")


def told_to_fix(app: AppTest) -> str:
    """What the line below the button says while the form cannot be used."""
    return " ".join(caption.value for caption in app.caption if caption.value.startswith(":red"))


def submitted(app: AppTest, queue: RunQueue) -> Experiment:
    """The experiment of the run that pressing Train starts; it is stopped at once."""
    before = len(queue.runs())
    app.button(key="train").click().run()
    assert not app.exception
    run, *others = queue.runs()
    assert len(others) == before
    queue.stop(run)
    return run.experiment


def test_the_first_screen_offers_the_tutorials_model_and_says_what_comes(app: AppTest) -> None:
    ticked = [button.label for button in app.button if "check" in button.icon]
    assert ticked == ["Two hidden layers"]
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Parameters"] == "535,818"
    assert metrics["Steps/epoch"] == "938"
    assert any("press Train" in caption.value for caption in app.caption)
    assert not app.button(key="train").disabled


@pytest.mark.parametrize("preset", list(TUTORIAL_PRESETS))
def test_a_preset_submits_exactly_the_tutorials_experiment(app: AppTest, queue: RunQueue, preset: str) -> None:
    app.text_input(key="form_epochs").set_value("9").run()
    app.button(key=f"form_preset_{preset}").click().run()
    assert submitted(app, queue) == TUTORIAL_PRESETS[preset]


def test_what_the_fields_show_is_what_is_trained(app: AppTest, queue: RunQueue) -> None:
    app.button(key="form_add_layer").click().run()
    app.button(key="form_remove_0").click().run()
    fill(app, layer_2="32", learning_rate="5e-2", batch_size="full", epochs="3", dropout="0.25", weight_decay="1e-4")
    fill(app, train_size="3,000", label_noise="0.1", validation="1000", seed="7", accumulate="1")
    for name, value in [
        ("optimizer", "nesterov"),
        ("activation", "tanh"),
        ("schedule", "one-cycle"),
        ("augment", "affine"),
        ("order", "by-class"),
    ]:
        app.selectbox(key=f"form_{name}").set_value(value)
    app.toggle(key="form_batch_norm").set_value(True)
    app.toggle(key="form_normalize").set_value(True).run()
    assert submitted(app, queue) == experiment_from_fields(
        {
            "hidden": [256, 32],
            "learning_rate": 0.05,
            "batch_size": "full",
            "epochs": 3,
            "dropout": 0.25,
            "weight_decay": 1e-4,
            "train_size": 3000,
            "label_noise": 0.1,
            "validation": 1000,
            "seed": 7,
            "optimizer": "nesterov",
            "activation": "tanh",
            "schedule": "one-cycle",
            "augment": "affine",
            "order": "by-class",
            "batch_norm": True,
            "normalize": True,
        }
    )


REFUSED = [
    ("layer_0", "99999", "99,999 is not possible. Allowed: whole numbers from 1 to 4,096"),
    ("layer_0", "many", "'many' is not possible"),
    ("learning_rate", "0", "more than 0, at most 100"),
    ("learning_rate", "nan", "nan is not possible"),
    ("learning_rate", "0,1", "'0,1' is not possible"),
    ("learning_rate", "0,001", "'0,001' is not possible"),
    ("epochs", "0,005", "'0,005' is not possible"),
    ("batch_size", "1e3", "'1e3' is not possible"),
    ("batch_size", "60001", "whole numbers from 1 to 60,000"),
    ("epochs", "", "'' is not possible"),
    ("epochs", "2.5", "'2.5' is not possible"),
    ("dropout", "1", "0 to 0.95"),
    ("weight_decay", "-1", "0 to 10"),
    ("accumulate", "2000", "more than the 938 in an epoch"),
    ("train_size", "61000", "61,000 is not possible"),
    ("validation", "60000", "must keep at least one"),
    ("label_noise", "30", "0 to 1"),
    ("seed", "-1", "whole numbers from 0"),
    ("threads", "65", "whole numbers from 1 to 64"),
    ("epochs", "](http://x) **<b>$", "is not possible"),
]
"""A field, what is typed into it, and what the message below it says."""


def test_bad_input_is_refused_at_its_field_and_cannot_be_trained(app: AppTest) -> None:
    for field, text, said in REFUSED:
        before = app.text_input(key=f"form_{field}").value or ""
        fill(app, **{field: text})
        assert not app.exception
        assert said in red_sentences(app), (field, text)
        assert app.button(key="train").disabled, (field, text)
        assert ("Hidden layers" if field == "layer_0" else FIELDS[field].label) in told_to_fix(app)
        fill(app, **{field: before})
        assert not app.button(key="train").disabled, (field, text)
        assert not told_to_fix(app)


def test_a_device_that_is_not_there_is_said_at_its_field(app: AppTest) -> None:
    app.selectbox(key="form_device").set_value("mps").run()
    assert "mps is not available on this machine" in red_sentences(app)
    assert app.button(key="train").disabled


def test_a_model_too_large_for_the_memory_is_refused_with_its_size(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlpcore.network.free_bytes", lambda device: 5_000_000)
    app.run()
    assert "GB" in red_sentences(app)
    assert app.button(key="train").disabled


def test_without_validation_images_the_page_says_what_is_lost(app: AppTest) -> None:
    assert any("overfitting" in caption.value for caption in app.caption)
    fill(app, validation="5000")
    assert not any("overfitting" in caption.value for caption in app.caption)


def test_all_layers_can_go_and_eight_are_the_most(app: AppTest, queue: RunQueue) -> None:
    for layer in (0, 1):
        app.button(key=f"form_remove_{layer}").click().run()
    assert any("linear softmax classifier" in caption.value for caption in app.caption)
    assert submitted(app, queue).architecture.hidden == ()
    for _ in range(8):
        app.button(key="form_add_layer").click().run()
    assert app.button(key="form_add_layer").disabled
    assert len(submitted(app, queue).architecture.hidden) == 8


def test_a_run_from_start_to_result(app: AppTest, queue: RunQueue) -> None:
    fill(app, layer_0="32", layer_1="16", epochs="2", train_size="3000", validation="500")
    app.button(key="train").click().run()
    (run,) = queue.runs()
    assert app.query_params["run"] == run.id
    until(lambda: run.status.is_final, "the run ends")
    app.run()
    assert not app.exception
    assert run.result
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Test accuracy"] == f"{100 * run.result.test.accuracy:.2f} %"
    assert metrics["Training accuracy"] == f"{100 * run.result.train.accuracy:.2f} %"
    assert metrics["Time/epoch"] != "–"
    assert len(app.get("image")) == 12
    # The epochs as numbers, the newest first.
    table = app.dataframe[0].value
    assert list(table["Epoch"]) == [2, 1]
    for name, field, scale in [
        ("Training loss", "loss", 1),
        ("Training accuracy", "train_accuracy", 100),
        ("Validation loss", "val_loss", 1),
        ("Validation accuracy", "val_accuracy", 100),
        ("Seconds", "seconds", 1),
        ("Learning rate", "learning_rate", 1),
    ]:
        assert list(table[name]) == [scale * getattr(record, field) for record in run.history.epochs[::-1]], name
    # Its model can be asked on the Draw page at once.
    app.button(key="draw_with").click().run()
    assert not app.exception
    assert app.session_state[PICKED][0] == run.id


def test_only_models_of_digits_can_be_drawn_for(
    app: AppTest, queue: RunQueue, mnist: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "load", lambda name: mnist)
    run = queue.submit(small(dataset="fashion-mnist"))
    until(lambda: run.status.is_final, "it ends")
    app.run()
    assert not app.exception and run.result
    assert not any(button.key == "draw_with" for button in app.button)


def test_the_table_of_epochs_has_its_height_from_the_start_and_no_empty_columns(app: AppTest, queue: RunQueue) -> None:
    run = queue.submit(small(epochs=3, validation=0), paused=True)
    app.run()
    before = app.dataframe[0]
    assert list(before.value["Epoch"]) == []
    queue.resume(run)
    until(lambda: run.status.is_final, "it ends")
    app.run()
    after = app.dataframe[0]
    assert list(after.value["Epoch"]) == [3, 2, 1]
    assert not any("Validation" in name for name in after.value.columns)


def test_a_rate_test_is_offered_and_its_rate_can_be_used(app: AppTest) -> None:
    # Early stopping and validation images play no part in it.
    fill(app, layer_0="16", layer_1="8", train_size="640", validation="5000", early_stopping="1")
    app.button(key="rate_run").click().run()
    assert not app.exception
    rate = app.button(key="rate_use").label.removeprefix("Use ")
    app.button(key="rate_use").click().run()
    assert app.text_input(key="form_learning_rate").value == rate


def test_a_loss_that_never_falls_gets_no_suggestion(app: AppTest) -> None:
    fill(app, layer_0="4", train_size="64", label_noise="1", weight_decay="10", dropout="0.95")
    app.button(key="rate_run").click().run()
    assert not app.exception
    assert any("No suggestion" in caption.value for caption in app.caption)
    assert not any(button.key == "rate_use" for button in app.button)


def test_every_session_sees_the_runs_at_the_side(queue: RunQueue) -> None:
    experiment = experiment_from_fields({"hidden": [4], "train_size": 640, "epochs": 1})
    finished, waiting = queue.submit(experiment), queue.submit(experiment, paused=True)
    until(lambda: finished.status.is_final, "it ends")
    assert finished.result
    # AppTest runs the entry script in the first run of a session only.
    app = AppTest.from_file("../../app.py", default_timeout=60).run()
    assert [button.label for button in app.sidebar.button] == [
        f"Server run {waiting.number} · paused 0 %",
        f"Server run {finished.number} · finished",
    ]


def test_step_by_step_goes_by_steps_and_epochs(app: AppTest, queue: RunQueue) -> None:
    fill(app, train_size="640", epochs="2")
    app.toggle(key="train_paused").set_value(True).run()
    app.button(key="train").click().run()
    (run,) = queue.runs()
    assert (run.status, run.step) == (Status.PAUSED, 0)
    for key, reached in [("run_1_step", 1), ("run_1_epoch", 10)]:
        app.button(key=key).click().run()
        until(lambda: run.step == reached and run.status is Status.PAUSED, key)  # noqa: B023
        app.run()
    app.button(key="run_stop").click().run()
    until(lambda: run.status is Status.STOPPED, "it stops")
    app.run()
    assert not app.exception
    assert any(metric.label == "Test accuracy" for metric in app.metric)


def test_a_failed_run_says_why_and_keeps_its_chart(app: AppTest, queue: RunQueue) -> None:
    run = queue.submit(
        experiment_from_fields(
            {
                "hidden": [64, 64, 64],
                "activation": "gelu",
                "optimizer": "momentum",
                "learning_rate": 100.0,
                "train_size": 2000,
                "validation": 0,
            }
        )
    )
    until(lambda: run.status.is_final, "it fails")
    app.run()
    assert not app.exception
    assert any("learning rate" in error.value for error in app.error)


def test_use_this_runs_settings_fills_the_form(app: AppTest, queue: RunQueue) -> None:
    experiment = experiment_from_fields({"hidden": [8, 9, 10], "learning_rate": 1e-05, "train_size": 640, "epochs": 1})
    run = queue.submit(experiment)
    until(lambda: run.status.is_final, "it ends")
    app.run()
    app.button(key="use_settings").click().run()
    assert submitted(app, queue) == experiment


def test_the_experiment_of_a_link_stays_in_it_though_there_are_runs(queue: RunQueue) -> None:
    run = queue.submit(experiment_from_fields({"hidden": [4], "train_size": 640, "epochs": 1}))
    page = AppTest.from_file("../../app.py", default_timeout=60).switch_page("pages/train.py")
    page.query_params["experiment"] = "hidden:7,6 seed:5 epochs:1"
    page.run()
    again = AppTest.from_file("../../app.py", default_timeout=60).switch_page("pages/train.py")
    for name in page.query_params:
        again.query_params[name] = page.query_params[name]
    again.run()
    again.button(key="train").click().run()
    assert not again.exception
    newest = queue.runs()[0]
    assert newest is not run and newest.experiment.architecture.hidden == (7, 6)
    assert "experiment" not in again.query_params and again.query_params["run"] == newest.id


def test_another_session_sees_the_run_by_its_link(app: AppTest, queue: RunQueue) -> None:
    runs_here = [queue.submit(experiment_from_fields({"hidden": [4], "train_size": 640})) for _ in range(2)]
    other = AppTest.from_file("../../app.py", default_timeout=60).switch_page("pages/train.py")
    other.query_params["run"] = runs_here[0].id
    other.run()
    assert any(subheader.value.startswith(r"Server run 1\:") for subheader in other.subheader)
    stranger = AppTest.from_file("../../app.py", default_timeout=60).switch_page("pages/train.py")
    stranger.query_params["run"] = "../../etc/passwd"
    stranger.run()
    assert not stranger.exception
    assert any(subheader.value.startswith(r"Server run 2\:") for subheader in stranger.subheader)
    assert stranger.warning[0].icon == ":material/link_off:"


def test_images_that_cannot_be_had_are_explained_and_block_training(
    queue: RunQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: object, progress: object = None) -> None:
        raise DataUnavailable("No source answered. Put the four files into the folder data.")

    monkeypatch.setattr(datasets, "is_on_disk", lambda name: False)
    monkeypatch.setattr(datasets, "fetch", refuse)
    app = AppTest.from_file("../../app.py", default_timeout=60).switch_page("pages/train.py").run()
    assert not app.exception
    assert "four files" in app.error[0].value
    assert app.button(key="train").disabled
