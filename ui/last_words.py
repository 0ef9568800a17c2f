"""What a page's run has to say is heard to its end, also if a live fragment is due in that very moment.

As soon as a session's run is over Streamlit starts anew for the next fragment, and from then on listens no more to the
run before, although its last words may still be on their way. On a busy server, with fragments that run by themselves,
a click would now and then show nothing, or the browser would be told of parts of a page without the page itself ("Bad
delta path index"). Here the new start waits for the last word.

Also, what waits to be sent would lose its parts that the fragment is to show anew. The browser, which closes the gaps
once a page is complete, would then put the fragment in the place of what follows it. Here a fragment's start takes
nothing back.
"""

from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

_MOMENT = 0.01

_start = AppSession._create_scriptrunner
_clear = AppSession._clear_queue


def hear_last_words() -> None:
    """Has all sessions of this server do so; for app.py."""
    AppSession._create_scriptrunner = _start_after_last_word  # type: ignore[assignment, method-assign]
    AppSession._clear_queue = _clear_for_a_page  # type: ignore[assignment, method-assign]


def _start_after_last_word(session: AppSession, data: RerunData) -> None:
    over = session._scriptrunner
    if over is None:
        _start(session, data)
        return

    def try_again() -> None:
        # The last word takes what is over away from the session.
        runner = session._scriptrunner
        if session._state is AppSessionState.SHUTDOWN_REQUESTED:
            return
        if runner not in (None, over) and data.is_auto_rerun:
            # What has begun meanwhile knows better what there is in the browser, and the next time is soon.
            return
        if runner is None or not runner.request_rerun(data):
            _start_after_last_word(session, data)

    session._event_loop.call_later(_MOMENT, try_again)


def _clear_for_a_page(session: AppSession, fragment_ids_this_run: list[str] | None = None) -> None:
    if fragment_ids_this_run is None:
        _clear(session)
    else:
        # What comes now is of another run, and must not be put in the place of what waits.
        session._browser_queue._delta_index_map.clear()
