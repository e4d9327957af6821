"""The room that sets the house up: settings, servers, processes and logs."""

import sys

# This file must stay readable for old Pythons, so that they show this sentence and not a syntax error.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(f"Kith needs Python 3.11 or newer, and this is {sys.version.split()[0]}: `make run` finds a newer one.")

VERSION = "0.1.0"
