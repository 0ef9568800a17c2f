"""What belongs to one browser session, and nobody else is shown."""

import uuid

import streamlit as st

from mlpcore.collection import Collection
from mlpcore.models import TrainedModel


def owner() -> str:
    """Who starts runs here."""
    name: str = st.session_state.setdefault("owner", uuid.uuid4().hex)
    return name


def my_digits() -> Collection:
    """The drawings that were kept."""
    collection: Collection = st.session_state.setdefault("my_digits", Collection())
    return collection


def my_models() -> dict[str, TrainedModel]:
    """Copies of models tuned on these drawings, by a key of their own."""
    models: dict[str, TrainedModel] = st.session_state.setdefault("my_models", {})
    return models
