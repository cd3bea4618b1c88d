# SPDX-License-Identifier: Apache-2.0
"""Loads an algorithm's file with the original's modules in place."""

from __future__ import annotations

import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from . import _algorithmia
from ._adk import ADK
from ._service import Vanished

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional

# Threads of numerical libraries would make it unsafe to fork for each request.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run(arguments: List[str]) -> None:
    if not arguments:
        sys.exit("usage: python3 -m algo_run.adk FILE\nServes the algorithm of FILE, written for Algorithmia.")
    path = os.path.abspath(arguments[0])
    if os.environ.get("ALGO_WORKER_ISOLATION") == "process":
        for name in _ONE_THREAD:
            os.environ.setdefault(name, "1")
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        sys.exit(f"algo_run.adk: {path} cannot be read: {error.strerror}; give the path of the algorithm's file")
    provide_originals()
    sys.argv = arguments
    sys.path.insert(0, os.path.dirname(path))
    # The program's main module, so that `if __name__ == "__main__"` and pickled classes work as in the original.
    module = ModuleType("__main__")
    module.__file__ = path
    sys.modules["__main__"] = module
    exec(compile(source, path, "exec"), module.__dict__)
    if ADK.initialized:
        return
    # The oldest algorithms define apply and leave the rest to the service.
    apply = getattr(module, "apply", None)
    if not callable(apply):
        sys.exit(f"algo_run.adk: {path} neither calls ADK(apply).init() nor defines apply(input); add one of them")
    ADK(apply, getattr(module, "load", None)).init()


def provide_originals() -> None:
    sys.meta_path.insert(0, _Originals())
    for name in [each for each in sys.modules if each.partition(".")[0] in ("adk", "Algorithmia")]:
        del sys.modules[name]


class _Originals(MetaPathFinder, Loader):
    """Finds `adk`, `Algorithmia` and all that is below them before any installed package."""

    def find_spec(self, name: str, path: Any = None, target: Optional[ModuleType] = None) -> Optional[ModuleSpec]:
        if name.partition(".")[0] not in ("adk", "Algorithmia"):
            return None
        return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Original(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ == "Algorithmia":
            # Programs set these.
            module.__dict__.update(apiKey=None, apiAddress=None)


class _Original(ModuleType):
    """Has every name that the original exports anywhere; what nothing replaces says so when it is used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in _algorithmia.__all__:
            return getattr(_algorithmia, name)
        return Vanished(f"{self.__name__}.{name}", "the Algorithmia service")

    def __setattr__(self, name: str, value: Any) -> None:
        # An import of Algorithmia.client must not hide the function Algorithmia.client.
        if not (isinstance(value, ModuleType) and name in _algorithmia.__all__):
            super().__setattr__(name, value)
