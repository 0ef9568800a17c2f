"""All messages of a page's run reach the browser, even if a live fragment is due at the very moment when it ends.

As soon as a session's run is over, Streamlit starts the next one for the fragment that is due, and from then on ignores
the previous run, although its last messages may still be on their way. On a busy server with fragments that run by
themselves, a click would sometimes show nothing, or the browser would be told about parts of a page without the page
itself ("Bad delta path index"). Here the new run waits for the last message of the old one.

Also, Streamlit drops messages that wait to be sent and that the fragment is about to replace. The browser, which closes
gaps once a page is complete, would then put the fragment in the place of what follows it. Here a fragment's start drops
nothing.
"""

from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

_MOMENT = 0.01

_start = AppSession._create_scriptrunner
_clear = AppSession._clear_queue


def hear_last_words() -> None:
    """Makes all sessions of this server do so; for app.py."""
    AppSession._create_scriptrunner = _start_after_last_word  # type: ignore[assignment, method-assign]
    AppSession._clear_queue = _clear_for_a_page  # type: ignore[assignment, method-assign]


def _start_after_last_word(session: AppSession, data: RerunData) -> None:
    over = session._scriptrunner
    if over is None:
        _start(session, data)
        return

    def try_again() -> None:
        # The last message removes the old run from the session.
        runner = session._scriptrunner
        if session._state is AppSessionState.SHUTDOWN_REQUESTED:
            return
        if runner not in (None, over) and data.is_auto_rerun:
            # The run that has started meanwhile knows better what the browser shows; the fragment is due again soon.
            return
        if runner is None or not runner.request_rerun(data):
            _start_after_last_word(session, data)

    session._event_loop.call_later(_MOMENT, try_again)


def _clear_for_a_page(session: AppSession, fragment_ids_this_run: list[str] | None = None) -> None:
    if fragment_ids_this_run is None:
        _clear(session)
    else:
        # The next messages belong to another run, and must not replace those that wait.
        session._browser_queue._delta_index_map.clear()
