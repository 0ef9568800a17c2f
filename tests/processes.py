"""Starting programs that a test will interrupt."""

import signal


def heed_ctrl_c() -> None:
    """In a new process, before its program starts: hear Ctrl-C even where the tests themselves run without it.

    What is started in the background of a shell script ignores it, and so would all that it starts.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
