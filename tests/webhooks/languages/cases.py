"""Judges the cases with the guide's Python; its folder stands in PYTHONPATH."""

import json
import sys
from base64 import b64decode
from typing import Any

from verify import Refused, verify
from verify_v1a import verify_v1a


def judge(case: dict[str, Any]) -> str:
    check = verify_v1a if case["asymmetric"] else verify
    try:
        check(case["secrets"], case["headers"], b64decode(case["body"]), case["now"])
    except (Refused, ValueError) as reason:
        return str(reason)
    return "ok"


if __name__ == "__main__":
    json.dump([judge(case) for case in json.load(sys.stdin)], sys.stdout)
