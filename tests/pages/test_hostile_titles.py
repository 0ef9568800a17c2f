"""What others typed, or wrote into a model file, is shown as text on every page: never as Markdown, never as HTML.

Every string that a page sends to the browser is searched, but for the few kinds that the browser shows as they are.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor  # type: ignore[import-untyped]
from google.protobuf.message import Message  # type: ignore[import-untyped]
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest

from mlpcore import runs
from mlpcore.datasets import Dataset
from mlpcore.experiment import experiment_from_fields
from mlpcore.identity import new_name
from mlpcore.imports import Imported
from mlpcore.models import BUNDLED, as_bytes, load
from mlpcore.runs import Run, RunQueue
from mlpcore.store import runs_folder
from tests.handwriting import canvas_json
from tests.waiting import until
from ui.imports import imported_title
from ui.session import SHARED, belongings_of

ME, OTHER = new_name(), new_name()
MARKER = "zq"
"""In every hostile text and nowhere else, so that what the pages say themselves is not mistaken for it."""

TITLE = "![zq](//zq) :red[zq] $zq$ **zq** `zq` <b>zq</b> [zq](//zq)"
NOTE = f'{TITLE} <a href="http://zq">zq</a> <img src=zq>\n# zq'
TAG = "![zq](//zq) <b>zq</b> **zq**"
FILE = "![zq](//zq) <b>zq</b> **zq**.safetensors"

MARKDOWN = re.compile(r"!\[zq|\]\(//zq|:red\[zq|\$zq|\*\*zq|`zq|<b>zq|<a [^>]*zq|<img|^# zq", re.MULTILINE)
HTML = re.compile(r"<(b|a|img)\b[^<]*zq")

SHOWN_AS_TEXT = {
    # What a field holds or suggests, the list that it opens, and what a chart or picture tells a screen reader.
    "TextInput": {"value", "default", "placeholder"},
    "TextArea": {"value", "default", "placeholder"},
    "Selectbox": {"options", "raw_value"},
    "MultiSelect": {"options", "raw_values"},
    "DownloadButton": {"url"},
    "Code": {"code_text"},
    "Text": {"body"},
    "PlotlyChart": {"alt"},
    "Image": {"alt"},
    "Table": {"alt"},
    "Dataframe": {"alt"},
}


@pytest.fixture(scope="module")
def queue(mnist: Dataset) -> Iterator[RunQueue]:
    queue = RunQueue(load=lambda name: mnist, cores=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "queue", queue)
        yield queue
    queue.close()


@pytest.fixture(scope="module")
def shared(queue: RunQueue) -> list[Run]:
    """Two runs of somebody else, who shares them."""
    experiments = [
        experiment_from_fields(
            {"hidden": [size], "train_size": 500, "validation": 100, "epochs": 1, "device": "cpu", "dropout": 0.1}
        )
        for size in (8, 9)
    ]
    submitted = [queue.submit(experiment, OTHER) for experiment in experiments]
    until(lambda: all(run.status.is_final for run in submitted), "the runs end")
    for run in submitted:
        queue.describe(run, TITLE, [SHARED, TAG], NOTE)
    return submitted


@pytest.fixture(scope="module")
def imported() -> Iterator[str]:
    """A model from a file, in whose head its maker has written what it is called."""
    mine = Imported(runs_folder() / "models" / ME)
    content = as_bytes(replace(load(BUNDLED["one-hidden"]), title=TITLE))
    model_id = mine.add_bytes(content, FILE)
    yield model_id
    mine.remove(model_id)
    imported_title.clear()


def opened(page: str, state: dict[str, object] | None = None, **address: str) -> AppTest:
    app = AppTest.from_file("../../app.py", default_timeout=60).switch_page(f"pages/{page}.py")
    app.session_state["owner"] = ME
    for key, value in (state or {}).items():
        app.session_state[key] = value
    for name, text in address.items():
        app.query_params[name] = text
    app.run()
    assert not app.exception
    return app


def strings(message: Message, path: str = "") -> Iterator[tuple[str, str]]:
    """All texts of a message that are more than plain text to the browser, each with where it stands."""
    kind = message.DESCRIPTOR.name
    exempt = SHOWN_AS_TEXT.get(kind, set())
    for field, value in message.ListFields():
        where = f"{path}/{kind}.{field.name}"
        if field.name in exempt or field.name in {"id", "element_id", "form_id", "user_key"}:
            continue
        values = value if field.is_repeated else [value]
        if field.type == FieldDescriptor.TYPE_MESSAGE and not field.message_type.GetOptions().map_entry:
            for each in values:
                yield from strings(each, where)
        elif field.type == FieldDescriptor.TYPE_STRING:
            yield from ((where, each) for each in values)
    if kind == "Table":
        frame = convert_arrow_bytes_to_pandas_df(message.arrow_data.data)
        for each in [*frame.columns, *frame.to_numpy().flatten()]:
            yield f"{path}/Table cell", str(each)


def in_figure(value: Any) -> Iterator[str]:
    """All texts of a chart, in which plotly takes a few tags for HTML."""
    if isinstance(value, dict):
        if "figure" in value:
            # As `ui.live_chart` hands it over; what else is there is shown as it is.
            value = json.loads(value["figure"])
        for each in value.values():
            yield from in_figure(each)
    elif isinstance(value, list):
        for each in value:
            yield from in_figure(each)
    elif isinstance(value, str):
        yield value


def harmless(app: AppTest) -> list[str]:
    """Searches all that the page shows; returns the texts in which a hostile one stands as it should."""
    found, wrong = [], []
    for node in app._tree:
        proto: Any = getattr(node, "proto", None)
        if not isinstance(proto, Message):
            continue
        for where, text in strings(proto):
            if MARKER not in text:
                continue
            if where.endswith(("/BidiComponent.json", ".spec")):
                wrong += [f"{where}: {each}" for each in in_figure(json.loads(text)) if HTML.search(each)]
            elif MARKDOWN.search(re.sub(r"\\.", "", text)):
                wrong.append(f"{where}: {text}")
            found.append(text)
    assert not wrong, "\n".join(wrong)
    return found


def every_word(app: AppTest) -> str:
    """All that is shown anywhere, also what a field holds."""
    return "\n".join(str(node.proto) for node in app._tree if isinstance(getattr(node, "proto", None), Message))


@pytest.mark.parametrize("page", ["start", "data", "compare", "draw", "runs"])
def test_a_page_as_it_opens(page: str, shared: list[Run], imported: str) -> None:
    harmless(opened(page))


IN_ADDRESSES = {
    "start": ["mission"],
    "data": ["view", "image", "batch_size"],
    "train": ["run", "experiment"],
    "compare": ["model", "seeds", "job", "claim", "prediction"],
    "inside": ["view", "model", "image", "off", "only"],
    "draw": ["models", "tab", "why_model"],
    "runs": ["lesson"],
}


@pytest.mark.parametrize(("page", "name"), [(page, name) for page, names in IN_ADDRESSES.items() for name in names])
def test_what_an_address_says_is_text_too(page: str, name: str, queue: RunQueue) -> None:
    harmless(opened(page, None, **{name: TITLE}))


@pytest.mark.parametrize("name", ["question", "lock", "hide", "lesson"])
def test_what_a_lesson_says_is_text_too(name: str, queue: RunQueue) -> None:
    assert harmless(opened("inside", None, **{name: TITLE}))


def test_train_shows_a_shared_run(shared: list[Run]) -> None:
    assert harmless(opened("train", run=shared[0].id))


@pytest.mark.parametrize("view", ["forward", "step", "modes", "depth"])
@pytest.mark.parametrize("kind", ["run", "file"])
def test_inside_looks_into_such_a_model(view: str, kind: str, shared: list[Run], imported: str) -> None:
    key = shared[0].id if kind == "run" else imported
    app = opened("inside", view=view, model=key, step_model=key, points_model=key)
    name = {"step": "inside_step_model", "depth": "projector_model"}.get(view, "inside_model")
    assert app.session_state[name] == key
    told = harmless(app)
    if view in ("forward", "step"):
        assert told


def test_draw_asks_such_models_and_explains_one(shared: list[Run], imported: str, mnist: Dataset) -> None:
    belongings = belongings_of(ME)
    for row in range(3):
        belongings.digits.keep(mnist.test.images[row], [], int(mnist.test.labels[row]))
    models = ",".join([shared[0].id, imported])
    state: dict[str, object] = {"canvas_last": canvas_json(7), "canvas_sheet": 1}
    for tab in ("draw", "photo", "digits", "watch"):
        told = harmless(opened("draw", state, tab=tab, models=models))
        # The map of votes says whose it is.
        assert told or tab != "draw"


def test_runs_opens_and_compares_shared_ones(shared: list[Run], imported: str) -> None:
    app = opened("runs")
    [key] = {found for frame in app.dataframe for found in re.findall(r"runs_table_-?\d+", frame.proto.id)}
    for rows in ([0], [0, 1]):
        app.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}
        app.run()
        assert not app.exception
        assert harmless(app)


def test_a_file_that_is_no_model_is_refused_under_its_own_name(queue: RunQueue) -> None:
    app = opened("runs")
    app.file_uploader(key="import_file").set_value((FILE, b"no model", "application/octet-stream")).run()
    app.button(key="import_now").click().run()
    assert MARKER in app.error[0].value
    assert harmless(app)


def test_compare_offers_such_runs(shared: list[Run]) -> None:
    app = opened("compare")
    assert MARKER in every_word(app)
    harmless(app)


def test_the_search_finds_what_is_not_escaped() -> None:
    def page() -> None:
        import plotly.graph_objects as go
        import streamlit as st

        from ui.live_chart import as_json, live_chart

        drawing = go.Figure([{"type": "scatter", "x": [0], "y": [0], "name": "<b>zq</b>"}])
        st.caption("ordinary ![zq](//zq)")
        st.table({"![zq](//zq)": ["cell **zq**"]})
        st.button("button :red[zq]", help="help [zq](//zq)")
        st.expander("expander `zq`")
        st.plotly_chart(drawing)
        live_chart(as_json(drawing), key="chart", alt="<b>zq</b>")

    with pytest.raises(AssertionError) as found:
        harmless(AppTest.from_function(page).run())
    places = ["Markdown.body", "Table cell: !", "Table cell: cell", "Button.label", "Button.help", "Expandable.label"]
    for place in [*places, ".spec", "BidiComponent.json"]:
        assert place in str(found.value), place
