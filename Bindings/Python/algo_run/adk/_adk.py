# SPDX-License-Identifier: Apache-2.0
"""`ADK(apply, load).init()`, as the original's Algorithm Development Kit has it."""

from __future__ import annotations

import inspect

import algo_run

from ._service import gone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, NoReturn, Optional


class ModelData(dict):  # type: ignore[type-arg]
    """The state that a `load` with a parameter fills and returns. There are no model manifests."""

    def available(self) -> bool:
        return False

    def data(self) -> Dict[Any, Any]:
        return dict(self)

    def get_model(self, name: str) -> NoReturn:
        raise gone(f"get_model({name!r})", "model manifests")

    initialize = find_optional_model = get_model


class ADK:
    initialized = False

    def __init__(
        self, apply_func: Callable[..., Any], load_func: Optional[Callable[..., Any]] = None, client: Any = None
    ) -> None:
        self.apply_func = apply_func
        self.load_func = load_func
        self.client = client
        self.apply_arity = len(inspect.getfullargspec(apply_func).args) - inspect.ismethod(apply_func)
        self.load_arity = len(inspect.getfullargspec(load_func).args) - inspect.ismethod(load_func) if load_func else 0
        if self.load_arity > 1:
            raise Exception("load function expects 0 parameters or 1 parameter to be used to store algorithm state")

    def init(self, local_payload: Any = None, pprint: Any = print, mlops: bool = False) -> None:
        """Loads once and serves. The local payload is for trying without a service; here the input comes from stdin."""
        ADK.initialized = True
        if mlops:
            raise gone("init(mlops=True)", "the service's MLOps agent")
        # An exception here ends the program before it is ready, and algo-run reports it as a failed start.
        if self.load_func is None:
            algo_run.serve(self.apply_func)
            return
        loaded = self.load_func(ModelData()) if self.load_arity else self.load_func()
        if self.apply_arity > 1:
            algo_run.serve(lambda input: self.apply_func(input, loaded))
        else:
            algo_run.serve(self.apply_func)

    serve = init
