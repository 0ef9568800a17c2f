"""The Data page's behaviour in Streamlit's own headless runner; what only a browser shows is in tests/browser."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mlpcore import exploration
from mlpcore.datasets import Dataset
from mlpcore.exploration import code
from mlpcore.runs import RunQueue
from ui import data_address, transforms
from ui.texts import texts as texts_of

Opener = Callable[..., AppTest]
APP = str(Path(__file__).parents[2] / "app.py")


@pytest.fixture
def open_page(queue: RunQueue) -> Opener:
    """Opens the page with an address; through app.py, since it links to another page."""

    def open_page(**address: str) -> AppTest:
        app = AppTest.from_file(APP, default_timeout=60)
        app.run()
        return go_to_data(app, **address)

    return open_page


def go_to_data(app: AppTest, **address: str) -> AppTest:
    for name, value in address.items():
        app.query_params[name] = value
    app.switch_page("pages/data.py").run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    """All that is written on the page."""
    elements = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.subheader]
    return " ".join(" ".join(str(element.value) for element in elements).replace("\\", "").split())


def told(text: str, **values: object) -> str:
    """The explanation of this name with these values, as `texts` gives it."""
    return " ".join(texts_of("data")[text].format(**values).split())


def codes(app: AppTest) -> list[str]:
    return [f"{element.value}\n" for element in app.code]


def shown_image(app: AppTest) -> int:
    image: int = app.session_state[data_address.IMAGE]
    return image


def gallery(app: AppTest) -> list[str]:
    """The numbers below the pictures."""
    buttons = [button for button in app.button if str(button.key).startswith("data_gallery_")]
    return [button.label.strip("*") for button in buttons]


def address(app: AppTest) -> dict[str, str]:
    return {name: value if isinstance(value, str) else value[-1] for name, value in app.query_params.items()}


def test_t2_it_begins_with_the_first_training_image_as_it_is_stored(open_page: Opener, mnist: Dataset) -> None:
    app = open_page()
    assert told("intro", train=60_000, test=10_000, rows=28, columns=28) in texts(app)
    assert f"Image 0: {mnist.train.labels[0]}" in texts(app)
    assert told("raw") in texts(app)
    assert gallery(app) == [str(number) for number in range(24)]
    assert address(app) == {}


def test_a_digit_alone_a_page_on_and_one_at_random(open_page: Opener, mnist: Dataset) -> None:
    app = open_page()
    app.selectbox(key="data_digit").set_value(7).run()
    sevens = exploration.rows_of_class(mnist.train, 7).tolist()
    assert gallery(app) == [str(row) for row in sevens[:24]]
    assert shown_image(app) == sevens[0]
    app.button(key="data_page_next").click().run()
    assert gallery(app) == [str(row) for row in sevens[24:48]]
    assert f"25 to 48 of {len(sevens):,}" in texts(app)
    app.button(key="data_page_previous").click().run()
    assert shown_image(app) == sevens[0] and app.button(key="data_page_previous").disabled
    app.button(key="data_random").click().run()
    assert mnist.train.labels[shown_image(app)] == 7
    assert str(shown_image(app)) in gallery(app)
    assert not app.exception


def test_the_last_page_has_what_is_left(open_page: Opener, mnist: Dataset) -> None:
    sevens = exploration.rows_of_class(mnist.test, 7).tolist()
    app = open_page(split="test", digit="7", image=str(sevens[-1]))
    assert gallery(app) == [str(row) for row in sevens[len(sevens) // 24 * 24 :]]
    assert app.button(key="data_page_next").disabled


def test_a_picture_of_the_gallery_is_shown_large(open_page: Opener) -> None:
    app = open_page()
    app.button(key="data_gallery_5").click().run()
    assert shown_image(app) == 5
    assert app.text_input(key="data_image_field").value == "5"
    assert address(app) == {"image": "5"}


def test_a_typed_number_shows_that_image_whatever_digit_was_chosen(open_page: Opener, mnist: Dataset) -> None:
    app = open_page(digit="7", image="15")
    other = exploration.rows_of_class(mnist.train, 3)[100].item()
    app.text_input(key="data_image_field").set_value(f"{other:,}").run()
    assert shown_image(app) == other
    assert app.selectbox(key="data_digit").value == "all"


@pytest.mark.parametrize("typed", ["60000", "-1", "seven", "1.5", "", "9" * 5000, "<b>1</b>", "[x](javascript:1)"])
def test_a_number_of_no_image_is_refused_with_a_sentence_and_the_image_stays(open_page: Opener, typed: str) -> None:
    app = open_page(image="12")
    app.text_input(key="data_image_field").set_value(typed).run()
    assert not app.exception
    assert "is not possible. Allowed: whole numbers from 0 to 59,999" in texts(app)
    assert shown_image(app) == 12
    assert address(app) == {"image": "12"}


def test_the_test_images_have_numbers_of_their_own(open_page: Opener, mnist: Dataset) -> None:
    app = open_page(image="59999")
    app.segmented_control(key="data_split").set_value("test").run()
    assert shown_image(app) == 0
    assert f"Image 0: {mnist.test.labels[0]}" in texts(app)
    assert address(app) == {"split": "test"}


def test_t3_numbers_table_and_text_change_with_the_stage(open_page: Opener, mnist: Dataset) -> None:
    app = open_page(image="7")
    raw = app.table[0].value
    assert list(raw["All training images"]) == ["uint8", "0", "255", "33.32", "78.57"]
    app.segmented_control(key="data_stage").set_value("tensor").run()
    assert list(app.table[0].value["All training images"]) == ["float32", "0.0000", "1.0000", "0.1307", "0.3081"]
    assert told("tensor") in texts(app)
    app.segmented_control(key="data_stage").set_value("normalized").run()
    assert list(app.table[0].value["All training images"])[1:] == ["−0.4242", "2.8215", "−0.0001", "1.0000"]
    assert told("normalized", mean=mnist.mean, std=mnist.std, paper="−0.4242") in texts(app)
    assert told("agree", pixels=784) in texts(app)
    assert address(app) == {"image": "7", "stage": "normalized"}


def test_what_differs_from_training_would_be_said(open_page: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transforms, "as_trained_on", lambda image, *_: image / 254)
    app = open_page(stage="tensor")
    assert told("differ", difference="3.9e−03") in texts(app)


def test_code_beside_an_image_is_for_these_settings(open_page: Opener, mnist: Dataset) -> None:
    app = open_page(split="test", image="17", stage="normalized")
    app.slider(key="data_lens_top").set_value(3).run()
    assert codes(app) == [
        code.browsing(train=False, index=17, label=None),
        code.transforming(False, 17, "normalized", (mnist.mean, mnist.std), top=3, left=10, side=8),
    ]


def test_all_images_together(open_page: Opener, mnist: Dataset) -> None:
    app = open_page(view="set", typical="4")
    written = texts(app)
    numbers = {"fewest": 5421, "rarest": 5, "most": 6742, "commonest": 1, "share": 11.237}
    assert told("balance", name="training images", **numbers) in written
    assert "the mean is **0.130660** and the standard deviation **0.308108**" in written
    order = exploration.by_distance(mnist.train, 4).tolist()
    for name, rows in [("most", order[:8]), ("least", order[::-1][:8])]:
        assert [app.button(key=f"data_{name}_{slot}").label for slot in range(8)] == [str(row) for row in rows]
    assert codes(app) == [code.whole_set(train=True, label=4, count=8)]
    app.button(key="data_least_0").click().run()
    assert shown_image(app) == order[-1]
    assert f"Image {order[-1]:,}: 4" in texts(app)


def test_all_test_images_together(open_page: Opener) -> None:
    app = open_page(view="set", split="test")
    assert told("balance", fewest=892, rarest=5, most=1135, commonest=1, name="test images", share=11.35) in texts(app)
    assert told("normalize_with", mean=0.1307, std=0.3081) in texts(app)


def test_t4_the_tutorials_loader_has_938_steps_and_a_last_batch_of_32(open_page: Opener) -> None:
    app = open_page(view="loader")
    numbers = {"images": 60_000, "whole": 937, "batch_size": 64, "rest": 32}
    assert told("steps_smaller_last", steps=938, **numbers) in texts(app)
    assert "Images: float32 [64, 1, 28, 28]. Labels: int64 [64]." in texts(app)
    app.button(key="data_batch_last").click().run()
    assert "Batch 938 of 938" in texts(app) and "Labels: int64 [32]" in texts(app)
    app.toggle(key="data_drop_last").set_value(True).run()
    assert told("steps_dropped", steps=937, **numbers) in texts(app)
    assert "Batch 937 of 937" in texts(app) and "Labels: int64 [64]" in texts(app)
    assert address(app) == {"view": "loader", "drop_last": "on", "batch": "937"}


def test_a_batch_size_that_divides_makes_drop_last_idle(open_page: Opener) -> None:
    app = open_page(view="loader", batch_size="100")
    assert told("steps_even", steps=600, images=60_000, whole=600, batch_size=100) in texts(app)
    app.text_input(key="data_batch_size_field").set_value("full").run()
    assert "**Steps per epoch: 1.**" in texts(app)
    assert "The first 64 of 60,000 images" in texts(app)


def test_batches_show_what_the_loader_gives(open_page: Opener, mnist: Dataset) -> None:
    app = open_page(view="loader", batch_size="5", batch="2")
    order, *_ = exploration.epoch_orders(60_000, True)
    labels = mnist.train.labels[order[5:10]]
    counts = labels.bincount(minlength=10).tolist()
    assert ", ".join(f"{digit}: **{count}**" for digit, count in enumerate(counts)) in texts(app)
    assert [caption for picture in app.image[:5] for caption in picture.captions] == [
        str(label) for label in labels.tolist()
    ]
    assert codes(app) == [code.loading(5, True, False, 2), code.two_epochs(5)]


def test_two_epochs_are_alike_without_shuffle_and_differ_with_it(open_page: Opener) -> None:
    app = open_page(view="loader")
    labels = [caption for picture in app.image[64:] for caption in picture.captions]
    assert len(labels) == 4 * 16
    assert labels[:16] == labels[16:32]
    assert labels[32:48] != labels[48:]
    assert told("same_batch", size=64) in texts(app)
    first, second = (order[:64] for order in exploration.epoch_orders(60_000, True))
    assert told("other_batch", size=64, common=len({*first.tolist()} & {*second.tolist()})) in texts(app)


@pytest.mark.parametrize("typed", ["0", "60001", "many", "64.5", "", "`rm`"])
def test_an_impossible_batch_size_is_refused_and_the_loader_stays(open_page: Opener, typed: str) -> None:
    app = open_page(view="loader")
    app.text_input(key="data_batch_size_field").set_value(typed).run()
    assert not app.exception
    assert "is not possible. Allowed: whole numbers from 1 to 60,000" in texts(app)
    assert "**Steps per epoch: 938.**" in texts(app)
    assert address(app) == {"view": "loader"}


def test_t5_why_shuffle_and_why_batches_lead_to_the_claims(open_page: Opener) -> None:
    app = open_page(view="loader")
    links = [element.proto for element in app.get("page_link")]
    assert [(link.page, link.query_string) for link in links] == [
        ("compare", "claim=order"),
        ("compare", "claim=batch-size"),
    ]
    assert told("why_shuffle", batch_size=64, test_steps=157) in texts(app)


def test_a_link_shows_the_same_again(open_page: Opener) -> None:
    given = {
        "view": "loader", "split": "test", "digit": "7", "image": "17", "stage": "tensor", "typical": "3",
        "batch_size": "32", "shuffle": "off", "drop_last": "on", "batch": "9",
    }  # fmt: skip
    app = open_page(**given)
    assert not app.warning
    assert address(app) == given
    assert "Batch 9 of 1,875" in texts(app)
    app.segmented_control(key="data_view").set_value("images").run()
    assert "Image 17: 7" in texts(app)
    assert app.segmented_control(key="data_split").value == "test"


@pytest.mark.parametrize(("name", "value", "sentence"), [
    ("view", "admin", "View 'admin' is not possible: there are images, set, loader."),
    ("split", "val", "Split 'val' is not possible"),
    ("digit", "10", "Digit '10' is not possible"),
    ("image", "60000", "Image 60,000 is not possible"),
    ("image", "__import__('os')", "Image"),
    ("image", "9" * 5000, "is not possible"),
    ("stage", "<script>", "Stage '<script>' is not possible"),
    ("typical", "", "Digit '' is not possible"),
    ("batch_size", "0", "Batch size 0 is not possible"),
    ("shuffle", "maybe", "Shuffle 'maybe' is not possible"),
    ("drop_last", "1", "Drop last '1' is not possible"),
    ("batch", "939", "Batch 939 is not possible. Allowed: whole numbers from 1 to 938"),
])  # fmt: skip
def test_a_hostile_link_is_refused_with_a_sentence(open_page: Opener, name: str, value: str, sentence: str) -> None:
    app = open_page(**{name: value})
    assert [sentence in warning.value.replace("\\", "") for warning in app.warning] == [True]
    assert address(app) == {}
    assert "Image 0: 5" in texts(app)
    app.run()
    assert not app.warning


def test_an_image_that_is_not_of_the_links_digit_wins(open_page: Opener) -> None:
    app = open_page(digit="3", image="0")
    assert "Image 0 is a 5, so the choice of the digit 3 is left out." in app.warning[0].value.replace("\\", "")
    assert address(app) == {}


def test_a_digit_without_an_image_begins_with_its_first(open_page: Opener, mnist: Dataset) -> None:
    app = open_page(digit="3")
    assert not app.warning
    first = exploration.rows_of_class(mnist.train, 3)[0].item()
    assert shown_image(app) == first
    assert address(app) == {"digit": "3", "image": str(first)}


def test_another_page_and_back_shows_the_same_and_a_new_link_something_else(open_page: Opener) -> None:
    app = open_page(image="12", stage="tensor")
    app.query_params.clear()
    app.switch_page("pages/train.py").run()
    go_to_data(app)
    assert shown_image(app) == 12
    assert app.segmented_control(key="data_stage").value == "tensor"
    app.query_params.clear()
    app.switch_page("pages/train.py").run()
    go_to_data(app, view="loader")
    assert "**Steps per epoch: 938.**" in texts(app)
    assert address(app) == {"view": "loader"}
