"""Kith's own settings for the processes of a fault: seconds instead of hours, and whatever the fault asks for."""

import json
import os
from datetime import UTC, datetime, timedelta

import time_machine

from config.settings import *  # noqa: F403

WEBHOOK_ALLOWED_NETS = ("127.0.0.1/32",)
WEBHOOK_SCHEDULE = (0, 0.2, 0.5, 1, 1, 1, 2, 2, 2, 2)
WEBHOOK_LEASE_SECONDS = 3
WEBHOOK_CIRCUIT_SECONDS = 1
globals().update(json.loads(os.environ.get("FAULT_SETTINGS", "{}")))

# The clock of one process, and nothing else, is wrong by so many seconds.
if wrong := float(os.environ.get("FAULT_CLOCK", "0")):
    time_machine.travel(datetime.now(UTC) + timedelta(seconds=wrong), tick=True).start()
