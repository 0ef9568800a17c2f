"""Each private name of Streamlit that the app uses, and what it must be: one that changes fails here first."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest
from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = ("streamlit", "streamlit.delta_generator", "streamlit.errors")
PRIVATE = {
    "ui/digit_canvas.py": {"streamlit.components.v2.get_bidi_component_manager"},
    "ui/last_words.py": {"streamlit.runtime.app_session", "streamlit.runtime.scriptrunner_utils.script_requests"},
    "ui/live_chart.py": {
        "streamlit.components.v2.get_bidi_component_manager",
        "streamlit.components.v2.manifest_scanner",
    },
    "ui/navigation.py": {"streamlit.runtime.pages_manager"},
}


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_no_module_uses_others() -> None:
    files = [ROOT / "app.py", *(ROOT / "ui").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    private = {
        file.relative_to(ROOT).as_posix(): {
            name for name in imported(file) if name.partition(".")[0] == "streamlit" and name not in PUBLIC
        }
        for file in files
    }
    assert {file: names for file, names in private.items() if names} == PRIVATE


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (AppSession._create_scriptrunner, ["self", "initial_rerun_data"]),
        (AppSession._clear_queue, ["self", "fragment_ids_this_run"]),
        (get_bidi_component_manager, []),
        (ComponentConfig, ["name", "asset_dir"]),
        (ComponentManifest, ["name", "version", "components"]),
    ],
)
def test_what_is_called_or_replaced_takes_these_arguments(function: object, arguments: list[str]) -> None:
    assert callable(function)
    assert list(inspect.signature(function).parameters) == arguments


def test_a_session_has_what_is_read_of_it() -> None:
    made = set(AppSession.__init__.__code__.co_names)
    assert {"_scriptrunner", "_state", "_event_loop", "_browser_queue"} <= made
    assert "_delta_index_map" in ForwardMsgQueue.__init__.__code__.co_names
    assert "SHUTDOWN_REQUESTED" in AppSessionState.__members__
    assert "is_auto_rerun" in RerunData.__dataclass_fields__


def test_the_flag_of_the_older_kind_of_pages_is_where_it_is_set() -> None:
    assert "uses_pages_directory" in vars(PagesManager)


def test_a_component_can_be_registered_from_a_package_found_and_taken_away() -> None:
    manager = get_bidi_component_manager()
    arguments = [list(inspect.signature(f).parameters) for f in (manager.register_from_manifest, manager.get)]
    assert arguments == [["manifest", "package_root"], ["name"]]
    assert "name" in inspect.signature(manager.unregister).parameters
