"""Settings → what `pull` reads and `apply` writes: two services, the sandbox's two, or a side's files."""

from __future__ import annotations

from pathlib import Path

from d365kit.errors import SettingsError
from d365kit.kinds import SIDES, Catalogue
from d365kit.pull.requests import SAYS
from d365kit.services import BearerAuth, BusinessCentral, Dataverse, TokenFromEnvironment, run
from d365kit.services.auth import GivenToken
from d365kit.services.files import FileSource, Guess
from d365kit.workspace import settings as settings_file
from d365kit.workspace.sandbox_process import SandboxProcess
from d365kit.workspace.settings import ServiceSettings, Settings


class Connections:
    """The two sides of one workspace, connected on first use; ``given`` are services somebody else connected."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        catalogue: Catalogue,
        given: tuple[BusinessCentral, Dataverse] | None = None,
    ) -> None:
        self.folder, self.settings, self.catalogue = folder, settings, catalogue
        self._services = given
        self._half: BusinessCentral | Dataverse | None = None
        self._sandbox: SandboxProcess | None = None

    @property
    def services(self) -> tuple[BusinessCentral, Dataverse]:
        """Both services.

        Raises SettingsError when their addresses are not set, or when a side stands in files.
        """
        for side in SIDES:
            if self.settings.files.side(side):
                name, todo = SAYS[side], f"fill in [{side}] of {settings_file.FILE} in place of its files"
                raise SettingsError(
                    f"{name} is not connected: its records come from files, to which nothing can be written.",
                    f"Look at the plan (d365kit plan --json) and make the changes there by hand, or {todo}.",
                )
        if self._services is None:
            self._services = (
                self._from_sandbox() if self.settings.sandbox else (self._business_central(), self._dataverse())
            )
        return self._services

    @property
    def sources(self) -> tuple[BusinessCentral | FileSource, Dataverse | FileSource]:
        """What `pull` reads: each side's files where the settings name some, else its service."""
        files = self.settings.files
        bc = files.source("bc", self.folder, self.catalogue)
        dv = files.source("dv", self.folder, self.catalogue)
        if bc is None and dv is None:
            return self.services
        if bc is not None and dv is not None:
            return bc, dv
        if self._half is None:
            self._half = self._dataverse() if dv is None else self._business_central()
        return (bc, self._half) if bc is not None else (self._half, dv)  # type: ignore[return-value]

    def guesses(self) -> list[Guess]:
        """Which column of each file was taken for which field; [] where both sides are services."""
        sides = [s for s in self.sources if isinstance(s, FileSource)] if self.settings.files.kinds else []
        return [source.guess(kind) for source in sides for kind in source.kinds]

    def close(self) -> None:
        """Close the connections, and stop the sandbox if it was started here."""
        for service in (*(self._services or ()), *([self._half] if self._half else [])):
            run(service.close())
        if self._sandbox is not None:
            self._sandbox.stop()
            self._sandbox, self._services = None, None

    def _from_sandbox(self) -> tuple[BusinessCentral, Dataverse]:
        assert self.settings.sandbox is not None
        self._sandbox = SandboxProcess(self.folder, self.settings.sandbox)
        info = self._sandbox.info
        auth = BearerAuth(GivenToken(info["token"]))
        return BusinessCentral(info["bc"], info["company"], auth), Dataverse(info["dv"], auth)

    def _business_central(self) -> BusinessCentral:
        part = self._address("bc")
        auth = BearerAuth(TokenFromEnvironment(part.token_variable))
        return BusinessCentral(part.url, part.company, auth, web_services=part.web_services)

    def _dataverse(self) -> Dataverse:
        part = self._address("dv")
        return Dataverse(part.url, BearerAuth(TokenFromEnvironment(part.token_variable)))

    def _address(self, side: str) -> ServiceSettings:
        part = self.settings.bc if side == "bc" else self.settings.dv
        if not part.url:
            raise SettingsError(
                f"{self.folder / settings_file.FILE} has no address for {side}.",
                f"Fill in {side}.url, or name its files under [files].",
            )
        return part
