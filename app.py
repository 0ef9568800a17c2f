"""MLP Lab: what `streamlit run app.py` starts. Registers the pages and shows the runs beside each of them."""

import streamlit as st

from ui.address import note_page
from ui.last_words import hear_last_words
from ui.navigation import note_app

hear_last_words()
note_app()
st.set_page_config(page_title="MLP Lab", page_icon="🧠", layout="wide", initial_sidebar_state=220)

page = st.navigation(
    [
        st.Page(
            "pages/start.py",
            title="Start",
            icon=":material/home:",
            help="What this is, and six missions from pixel to verdict.",
            default=True,
        ),
        st.Page(
            "pages/data.py",
            title="Data",
            icon=":material/image_search:",
            help="See what a network is given: images as numbers, and the batches it learns from.",
        ),
        st.Page(
            "pages/train.py",
            title="Train",
            icon=":material/model_training:",
            help="Build a network, train it on real images, and watch it learn.",
        ),
        st.Page(
            "pages/compare.py",
            title="Compare",
            icon=":material/compare_arrows:",
            help="Train several models with several seeds, and see what the results show.",
        ),
        st.Page(
            "pages/inside.py",
            title="Inside",
            icon=":material/psychology:",
            help="Follow an image through a network layer by layer, and go through one training step call by call.",
        ),
        st.Page(
            "pages/draw.py",
            title="Draw",
            icon=":material/draw:",
            help="Draw a digit and see what the models answer, and why.",
        ),
        st.Page(
            "pages/runs.py",
            title="Runs",
            icon=":material/inventory_2:",
            help="All saved runs: find, compare and export them, and import models.",
        ),
    ]
)

# Importing PyTorch takes seconds the first time, during which the page already has its title and navigation.
from ui.run_list import run_list  # noqa: E402
from ui.session import recognise, remember_browser  # noqa: E402
from ui.sign_in import come_back, sign_in  # noqa: E402

note_page(page.url_path)
recognise()
come_back(page.url_path)
with st.sidebar:
    st.subheader("Runs")
    run_list()
    remember_browser()
    sign_in(page.url_path)

page.run()
