"""One read of accounts into a frame by our client, in a process of its own → its time and memory as JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from d365kit.nouns.frames import to_frame
from d365kit.services import BearerAuth, Column, Dataverse, run
from d365kit.services.auth import GivenToken
from tests.bench.company import ACCOUNT


def main(root: str, token: str) -> None:
    service = Dataverse(root, BearerAuth(GivenToken(token)))
    columns = [Column(name, kind) for name, kind in ACCOUNT]
    to_frame(__import__("pyarrow").table({"warm": [1]}))
    start = _resident()
    began, used = time.perf_counter(), time.process_time()
    frame = to_frame(run(service.rows("accounts", columns, key="accountid")).table)
    result = {
        "rows": len(frame), "columns": len(ACCOUNT), "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - used,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - start,
    }  # fmt: skip
    sys.stdout.write(json.dumps(result) + "\n")


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main(*sys.argv[1:3])
