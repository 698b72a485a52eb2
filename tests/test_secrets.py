"""Planted tokens, keys and secrets: after a whole run they stand in no file, log, error or repr."""

from __future__ import annotations

import logging
from pathlib import Path

import httpx
import pytest

from d365kit.errors import D365KitError
from d365kit.sandbox import Sandbox
from d365kit.sandbox.faults import Fault
from d365kit.sandbox.identity import BC_AUDIENCE, Application
from d365kit.services import BearerAuth, BusinessCentral, ClientCredentials, Dataverse
from d365kit.workspace import Workspace
from d365kit.workspace.settings import SandboxSettings
from tests.conformance.conftest import no_wait
from tests.conftest import NOW

SECRET = "planted-client-s3cret"


def test_a_whole_run_leaves_no_secret_behind(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    with Sandbox.create(customers=25, faults=(), dirt=0) as sandbox:
        user = sandbox.identity.default.dv_user
        sandbox.identity.register(Application("app", SECRET, dv_user=user))
        tokens: list[str] = []
        issue = sandbox.identity.issue

        def noted(*given: object, **more: object) -> str:
            tokens.append(issue(*given, **more))  # type: ignore[arg-type]
            return tokens[-1]

        sandbox.identity.issue = noted  # type: ignore[method-assign]
        transport = httpx.ASGITransport(sandbox.app)
        address = "http://127.0.0.1/sandbox-tenant/oauth2/v2.0/token"

        def signed_in(scope: str) -> BearerAuth:
            source = ClientCredentials(address, "app", SECRET, scope, transport=transport, sleep=no_wait)
            shown.append(repr(source))
            return BearerAuth(source)

        more = {"transport": transport, "sleep": no_wait}
        bc_auth = signed_in(f"{BC_AUDIENCE}/.default")
        bc = BusinessCentral("http://127.0.0.1" + sandbox.bc_root, sandbox.company_id, bc_auth, **more)
        dv = Dataverse("http://127.0.0.1" + sandbox.dv_root, signed_in("http://127.0.0.1/.default"), **more)
        workspace = Workspace.make(
            tmp_path / "ws", sandbox=SandboxSettings(), services=(bc, dv), now=lambda: NOW, progress=False
        )
        workspace.pull()
        workspace.propose("customer")
        workspace.confirm("customer", band="certain")
        workspace.check()
        workspace.apply(workspace.plan())
        workspace.report(tmp_path / "ws" / "report.html")
        sandbox.faults.add(Fault("refused", method="GET"))
        with pytest.raises(D365KitError) as caught:
            workspace.pull()
        shown += [
            str(caught.value),
            repr(caught.value),
            repr(vars(caught.value)),
            repr(bc),
            repr(dv),
            repr(workspace),
        ]
        workspace.close()
    assert len(tokens) == 2
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".html" for path in files)
    assert any("ledger" in path.name for path in files)
    for planted in (*tokens, SECRET):
        assert planted not in "\n".join([*shown, caplog.text])
        holding = [path for path in files if planted.encode() in path.read_bytes()]
        assert holding == []
