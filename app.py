"""MLP Lab: what `streamlit run app.py` starts. Registers the pages and shows the runs beside each of them."""

import streamlit as st

from ui.run_list import run_list

st.set_page_config(page_title="MLP Lab", page_icon=":material/hub:", layout="wide")

page = st.navigation(
    [
        st.Page(
            "pages/train.py",
            title="Train",
            icon=":material/model_training:",
            help="Put a network together, train it on real images, and watch it learn.",
        ),
    ]
)

with st.sidebar:
    st.subheader("Runs")
    run_list()

page.run()
