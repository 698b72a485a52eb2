"""One line of JSON per step on standard output: what pytest reads of a program that runs in another environment."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any


def step(name: str, work: Callable[[], Any]) -> Any:
    """Do one step and say its result, or the error it ended in; the steps after it go on."""
    try:
        value = work()
    except Exception as error:
        fields = {"error": type(error).__name__, "text": str(error)[:2000]}
        fields["status"] = getattr(error, "status_code", None)
        sys.stdout.write(json.dumps({"step": name, **fields}) + "\n")
        sys.stdout.flush()
        return None
    sys.stdout.write(json.dumps({"step": name, "value": value}, default=str) + "\n")
    sys.stdout.flush()
    return value
