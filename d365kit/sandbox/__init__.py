"""The two services as ASGI apps over one SQLite file, with a generated demo company."""

from d365kit.sandbox.emulation import Sandbox

__all__ = ["Sandbox"]
