"""What `python -m mlpcore` starts."""

import sys

try:
    from mlpcore.cli import main

    code = main()
except KeyboardInterrupt:  # while something was imported or fetched, or a second time while a run was stopping
    print("Stopped at once, without a result.", file=sys.stderr)
    code = 130
sys.exit(code)
