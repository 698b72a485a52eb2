"""Conformance: the documents both services open with (A 1, G 122)."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import Wire


@pytest.mark.read_only
def test_001_service_document(bc: Wire) -> None:
    answer = bc.get("")
    assert answer.status_code == 200
    assert answer.json()["@odata.context"].endswith("/$metadata")
    assert {"name", "kind", "url"} <= set(answer.json()["value"][0])
