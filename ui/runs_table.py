"""All runs that the visitor may see: find, select, describe and delete them."""

import math
from collections.abc import Sequence
from datetime import date

import streamlit as st

from mlpcore import runs
from mlpcore.runs import Run, Status
from ui.local_time import local_time
from ui.session import SHARED, called, called_by_others, may_change, owner, title_of, visible_runs, whose
from ui.words import plain

_UNDO = "runs_deleted"
_SPANS = {10.0: "10 s", 30.0: "30 s", 60.0: "1 min", 300.0: "5 min", 1800.0: "30 min", math.inf: "any time"}


def choose_runs() -> list[Run]:
    """The table with its filters; returns the selected runs."""
    everything = visible_runs()
    if not everything:
        st.info(
            "No runs yet. Train a network, and its run is saved here.",
            icon=":material/inventory_2:",
        )
        st.page_link("pages/train.py", label="Train a network", icon=":material/model_training:")
        return []
    shown = _filtered(everything)
    if not shown:
        st.info("No matching runs; remove a filter.", icon=":material/filter_alt_off:")
        return []
    state = st.dataframe(
        _as_table(shown),
        # Streamlit remembers selected rows by position, so other rows need another key.
        key=f"runs_table_{hash(tuple(run.id for run in shown))}",
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        alt="Table of the runs: number, owner, title, architecture, status, test accuracy, time, date, tags.",
        column_config={
            "Run": st.column_config.NumberColumn(width="small", format="%d"),
            "Test accuracy": st.column_config.NumberColumn(format="%.2f %%"),
            "Seconds": st.column_config.NumberColumn(format="%.1f", help="Computing time of the training."),
            "Started": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
            "Tags": st.column_config.ListColumn(),
        },
        height="content" if len(shown) < 12 else 430,
    )
    st.caption(
        f"{len(shown)} of {len(everything)} runs. Click a column to sort, and the boxes on the left to select runs."
    )
    chosen: Sequence[int] = state["selection"]["rows"]
    return [shown[row] for row in chosen if row < len(shown)]


def _filtered(everything: list[Run]) -> list[Run]:
    tags = sorted({tag for run in everything for tag in run.tags})
    architectures = sorted({run.experiment.architecture.title for run in everything})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input("Search", key="runs_search", live=True, width=220, placeholder="title, layers, note, tag", persist_state="session")  # fmt: skip  # noqa: E501
        statuses = st.multiselect("Status", list(Status), key="runs_status", format_func=str, placeholder="Any", width=260, persist_state="session")  # fmt: skip  # noqa: E501
        kinds = st.multiselect("Architecture", architectures, key="runs_architectures", placeholder="Any", width=260, persist_state="session")  # fmt: skip  # noqa: E501
        wanted = st.multiselect("Tags", tags, key="runs_tags", placeholder="Any", width=220, persist_state="session") if tags else []  # fmt: skip  # noqa: E501
        with st.popover("More filters", icon=":material/filter_alt:"):
            least, most = st.slider("Test accuracy (%)", 0, 100, (0, 100), key="runs_accuracy", persist_state="session", help="Runs without a test accuracy are left out, unless the range is 0 to 100.")  # fmt: skip  # noqa: E501
            longest = st.select_slider("Training time, at most", _SPANS, max(_SPANS), key="runs_seconds", format_func=_SPANS.__getitem__, persist_state="session")  # fmt: skip  # noqa: E501
            since = st.date_input("Started on or after", None, key="runs_since", persist_state="session")
    words = text.lower().split()
    return [
        run
        for run in everything
        if (not statuses or run.status in statuses)
        and (not kinds or run.experiment.architecture.title in kinds)
        and set(wanted) <= set(run.tags)
        and ((least, most) == (0, 100) or (run.outcome and least <= 100 * run.outcome.test_accuracy <= most))
        and (longest == max(_SPANS) or (run.outcome and run.outcome.train_seconds <= longest))
        and (not isinstance(since, date) or local_time(run.created).date() >= since)
        and all(word in _searched(run) for word in words)
    ]


def _searched(run: Run) -> str:
    parts = (called(run), title_of(run), run.experiment.architecture.title, run.note, *run.tags)
    return " ".join(parts).lower()


def _as_table(shown: list[Run]) -> dict[str, list[object]]:
    def column(value: object) -> list[object]:
        return [value(run) for run in shown]  # type: ignore[operator]

    return {
        "Run": column(lambda run: run.number),
        "Owner": column(whose),
        "Title": column(title_of),
        "Architecture": column(lambda run: run.experiment.architecture.title),
        "Status": column(lambda run: str(run.status)),
        "Test accuracy": column(lambda run: 100 * run.outcome.test_accuracy if run.outcome else None),
        "Seconds": column(lambda run: run.outcome.train_seconds if run.outcome else None),
        "Started": column(lambda run: local_time(run.created).replace(tzinfo=None)),
        "Tags": column(lambda run: list(run.tags)),
        "Note": column(lambda run: run.note),
    }


def delete_runs(chosen: list[Run]) -> None:
    """Buttons that delete the selected runs or all of the visitor's, and undo it."""
    mine = [run for run in chosen if may_change(run) and run.status.is_final]
    all_mine = [run for run in visible_runs() if run.owner == owner() and run.status.is_final]
    deleted: list[str] = st.session_state.get(_UNDO, [])
    with st.container(horizontal=True):
        st.button(
            f"Delete {len(mine)} selected" if mine else "Delete selected",
            key="runs_delete",
            icon=":material/delete:",
            on_click=_delete,
            args=(mine,),
            disabled=not mine,
            help="Deletes those of the selected runs that are your own and have ended.",
        )
        if st.button("Delete all", key="runs_delete_all", icon=":material/delete_sweep:", disabled=not all_mine):
            _confirm(all_mine)
        if deleted:
            st.button(
                f"Undo: restore {len(deleted)}",
                key="runs_undo",
                icon=":material/undo:",
                type="primary",
                on_click=_put_back,
            )


@st.dialog("Delete all runs?")
def _confirm(mine: list[Run]) -> None:
    st.write(
        f"Deletes all {len(mine)} runs of your own that have ended, with their models and curves. You can undo this "
        "while the page stays open."
    )
    if st.button("Delete", key="runs_delete_all_sure", type="primary", icon=":material/delete_sweep:"):
        _delete(mine)
        st.rerun()


def _delete(mine: list[Run]) -> None:
    runs.queue.delete(mine)
    st.session_state[_UNDO] = [*st.session_state.get(_UNDO, []), *(run.id for run in mine)]


def _put_back() -> None:
    runs.queue.put_back(st.session_state.pop(_UNDO, []))


def describe(run: Run) -> None:
    """A form for the run's title, tags and note, and whether it is shared with everybody on this server."""
    editable = may_change(run)
    with st.form(f"describe_{run.id}", border=False):
        name = st.text_input(
            "Title", run.name or "", key=f"title_{run.id}", placeholder=title_of(run), disabled=not editable
        )
        tags = st.text_input(
            "Tags",
            ", ".join(tag for tag in run.tags if tag != SHARED),
            key=f"tags_{run.id}",
            placeholder="separated by commas",
            disabled=not editable,
        )
        note = st.text_area("Note", run.note, key=f"note_{run.id}", height=80, disabled=not editable)
        shared = st.toggle(
            "Share with everybody on this server",
            SHARED in run.tags,
            key=f"share_{run.id}",
            disabled=not editable,
            help="Others then see it in their lists and can use its model. Only you can change or delete it. To "
            f"others it is called {called_by_others(run)}.",
        )
        if st.form_submit_button("Save", key=f"keep_{run.id}", icon=":material/save:", disabled=not editable):
            try:
                runs.queue.describe(run, name, [*tags.split(","), *([SHARED] if shared else [])], note)
            except ValueError as problem:
                st.error(plain(str(problem)), icon=":material/error:")
            else:
                st.rerun()
