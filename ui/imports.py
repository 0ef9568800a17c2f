"""Importing a model that somebody else has trained. It belongs to the visitor who imports it, and only they see it."""

from pathlib import Path

import streamlit as st

from mlpcore.imports import Imported
from mlpcore.models import InvalidModel, TrainedModel
from mlpcore.network import model_bytes
from mlpcore.store import runs_folder
from mlpcore.store.cache import ByteCache
from ui.session import owner
from ui.words import percent, plain

MOST = 20
"""Models of one owner."""

_MEGABYTES = 600

_models = ByteCache(limit=1_000_000 * _MEGABYTES)


def import_model() -> None:
    """Imports a model file after checking it, and lists the models imported earlier."""
    st.caption("Takes a file that was downloaded with the button “Model” of a run. It is checked before it is used.")
    uploaded = st.file_uploader(
        "Model file",
        type=["safetensors"],
        key="import_file",
        max_upload_size=_MEGABYTES,
    )
    mine = _of(owner())
    full = len(mine.ids()) >= MOST
    if full:
        st.caption(f"You have imported {MOST} models. Remove one to import another.")
    if uploaded and st.button("Import", key="import_now", type="primary", icon=":material/upload:", disabled=full):
        try:
            model = mine.get(mine.add_bytes(uploaded.getvalue(), uploaded.name))
        except InvalidModel as invalid:
            st.error(plain(str(invalid)), icon=":material/error:")
        else:
            st.success(f"{plain(model.title)} is now available on the Draw page.", icon=":material/check:")
    for model_id in mine.ids():
        with st.container(horizontal=True, vertical_alignment="center"):
            try:
                model = read_imported(owner(), model_id)
                st.markdown(
                    f"{plain(model.title)} · {percent(model.test.accuracy, 2)} test accuracy, according to the file"
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
    """Owner and id of the visitor's imported models, and of those of the command line, which belong to everybody."""
    return [(name, model_id) for name in (owner(), "") for model_id in _of(name).ids()]


@st.cache_data(show_spinner=False, max_entries=500)
def imported_title(name: str, model_id: str) -> str:
    """The title of an imported model, without reading all of it."""
    return _of(name).title(model_id)


def read_imported(name: str, model_id: str) -> TrainedModel:
    """A model that this owner has imported; raises `InvalidModel` with a sentence if it cannot be read."""
    return _models.get(
        (name, model_id),
        lambda: _of(name).get(model_id),
        lambda model: model_bytes(model.experiment.architecture),
    )


def _of(name: str) -> Imported:
    folder: Path = runs_folder() / "models"
    return Imported(folder / name if name else folder)
