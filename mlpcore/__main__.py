"""The entry point of `python -m mlpcore`."""

import sys

try:
    from mlpcore.cli import main

    code = main()
except KeyboardInterrupt:  # during an import or a download, or the second one while a run was stopping
    print("Stopped at once, without a result.", file=sys.stderr)
    code = 130
sys.exit(code)
