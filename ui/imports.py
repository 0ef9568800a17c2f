"""Bringing in a model that somebody else has trained. It belongs to who brought it in, and nobody else is shown it."""

from pathlib import Path

import streamlit as st

from mlpcore.imports import Imported
from mlpcore.models import InvalidModel, TrainedModel
from mlpcore.store import runs_folder
from ui.field_inputs import plain
from ui.session import owner
from ui.words import percent

MOST = 20
"""Models of one owner."""

_MEGABYTES = 600


def bring_in() -> None:
    """Takes a model file, checks it, and lists what was brought in before."""
    st.caption("A file that “Model” under a run's downloads has made. All of it is checked before it is used.")
    uploaded = st.file_uploader(
        "Model file",
        type=["safetensors"],
        key="import_file",
        max_upload_size=_MEGABYTES,
    )
    mine = _of(owner())
    full = len(mine.ids()) >= MOST
    if full:
        st.caption(f"You have brought in {MOST} models; remove one before you bring in another.")
    if uploaded and st.button("Bring it in", key="import_now", type="primary", icon=":material/upload:", disabled=full):
        try:
            model = mine.get(mine.add_bytes(uploaded.getvalue(), uploaded.name))
        except InvalidModel as invalid:
            st.error(plain(str(invalid)), icon=":material/error:")
        else:
            st.success(f"{plain(model.title)} can now be asked on the Draw page.", icon=":material/check:")
    for model_id in mine.ids():
        with st.container(horizontal=True, vertical_alignment="center"):
            try:
                model = read_imported(owner(), model_id)
                st.markdown(
                    f"{plain(model.title)} · {percent(model.test.accuracy, 2)} test accuracy, by its own account"
                )
            except InvalidModel as invalid:
                st.markdown(f":red[:material/error: {plain(str(invalid))}]")
            st.button(
                "Remove",
                key=f"import_remove_{model_id}",
                type="tertiary",
                icon=":material/close:",
                on_click=mine.remove,
                args=(model_id,),
            )


def imported_ids() -> list[tuple[str, str]]:
    """One's own models that were brought in, and those of the command line, which belong to all: owner and id."""
    return [(name, model_id) for name in (owner(), "") for model_id in _of(name).ids()]


@st.cache_data(show_spinner=False, max_entries=500)
def imported_title(name: str, model_id: str) -> str:
    """What a model that was brought in is called, without reading all of it."""
    return _of(name).title(model_id)


@st.cache_resource(show_spinner=False, max_entries=20)
def read_imported(name: str, model_id: str) -> TrainedModel:
    """A model that this owner has brought in; raises `InvalidModel` with a sentence if it cannot be read."""
    return _of(name).get(model_id)


def _of(name: str) -> Imported:
    folder: Path = runs_folder() / "models"
    return Imported(folder / name if name else folder)
