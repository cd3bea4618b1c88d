# SPDX-License-Identifier: Apache-2.0
"""The names of the original's client that algorithms use: metrics, errors, and calls of other algorithms."""

from __future__ import annotations

import base64
import json
import os
import re
import sys

from .. import _channel
from .._number import number_text
from ._adk import ADK, ModelData
from ._service import ServiceGone, Vanished

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Mapping, Optional

__all__ = [
    "ADK", "AlgoResponse", "AlgorithmException", "Algorithm", "ApiError", "ApiInternalError", "Client", "DataApiError",
    "Handler", "Insights", "Metadata", "ModelData", "OutputType", "algo", "client", "dir", "file", "handler",
]  # fmt: skip

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


class ApiError(Exception):
    """An error of the API."""


class ApiInternalError(ApiError):
    """A server's error."""


class DataApiError(ApiError):
    """An error of the Data API."""


class AlgorithmException(ApiError):
    """An algorithm's error, with a type that its callers see."""

    def __init__(self, message: str, stack_trace: Optional[str] = None, error_type: Optional[str] = None) -> None:
        super().__init__(message)
        self.message = message
        self.stack_trace = stack_trace
        self.error_type = error_type


class Insights:
    """Reports metrics. Never raises for a value: algo-run rejects what is not a number, by name."""

    def __init__(self, insights: Mapping[str, Any]) -> None:
        parts = [f"{json.dumps(str(name))}:{_text(insights[name])}" for name in insights.keys()]
        if parts:
            _channel.send(("{" + ",".join(parts) + "}\n").encode("ascii"))


def _text(value: Any) -> str:
    """A number's text, also of a number in a str, as the original's clients sent them."""
    try:
        if isinstance(value, str):
            text = value.strip()
            return text if _NUMBER.fullmatch(text) else number_text(float(text)) or "null"
        written = number_text(value)
    except ValueError:
        written = None
    return written if written is not None else json.dumps(value, default=str)


class OutputType:
    default = "default"
    raw = "raw"
    void = "void"


class Metadata:
    def __init__(self, metadata: Mapping[str, Any]) -> None:
        self.content_type = metadata.get("content_type")
        self.duration = metadata.get("duration")
        self.stdout = metadata.get("stdout")
        self.full_metadata = metadata

    def __getitem__(self, key: str) -> Any:
        return self.__dict__[key]


class AlgoResponse:
    def __init__(self, result: Any, metadata: Metadata) -> None:
        self.result = result
        self.metadata = metadata


class Client:
    def __init__(
        self, apiKey: Optional[str] = None, apiAddress: Optional[str] = None, caCert: Any = None, bearerToken: Any = None
    ) -> None:
        module = sys.modules.get("Algorithmia")
        self.apiKey = apiKey or getattr(module, "apiKey", None) or os.environ.get("ALGORITHMIA_API_KEY")
        self.apiAddress = apiAddress or getattr(module, "apiAddress", None) or os.environ.get("ALGORITHMIA_API")

    def report_insights(self, insights: Mapping[str, Any]) -> Insights:
        return Insights(insights)

    def algo(self, reference: str) -> Algorithm:
        return Algorithm(self, reference)

    def file(self, url: str) -> Vanished:
        return Vanished(f"client.file({url!r})", "the Data API")

    def dir(self, url: str) -> Vanished:
        return Vanished(f"client.dir({url!r})", "the Data API")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Vanished(f"client.{name}", "the Algorithmia service")


class Algorithm:
    """Another algorithm, served by `algo-run serve` at the address of ALGORITHMIA_API."""

    def __init__(self, client: Client, reference: str) -> None:
        self.client = client
        self.path = re.sub(r"^(algo://|/)", "", reference.strip())
        self.options: Dict[str, str] = {}
        if not re.fullmatch(r"[\w.-]+/[\w.-]+(/[\w.*-]+)?", self.path):
            raise ValueError(f"Invalid algorithm URI: {reference}")

    def set_options(self, timeout: int = 300, stdout: bool = False, output: str = "default", **more: Any) -> Algorithm:
        self.options = {"timeout": str(timeout), "stdout": str(stdout).lower(), **{k: str(v) for k, v in more.items()}}
        if output != OutputType.default:
            self.options["output"] = output
        return self

    def pipe(self, input: Any) -> Any:
        if not self.client.apiAddress:
            raise ServiceGone(
                f"client.algo({self.path!r}).pipe calls another algorithm, and the Algorithmia service no longer exists; "
                "set ALGORITHMIA_API to the address of an `algo-run serve` that has it"
            )
        answer = self._post(input)
        if self.options.get("output") == OutputType.raw:
            return answer.decode("utf-8")
        reply = json.loads(answer)
        if "error" in reply:
            raise _exception(reply["error"])
        if "metadata" not in reply:
            return reply  # output=void: the identifier of a call that continues without us.
        metadata = Metadata(reply["metadata"])
        result = reply.get("result")
        return AlgoResponse(base64.b64decode(result) if metadata.content_type == "binary" else result, metadata)

    def _post(self, input: Any) -> bytes:
        # Here, because most algorithms call no other, and these take longer to import than the rest of a start.
        from urllib.error import HTTPError, URLError
        from urllib.parse import urlencode
        from urllib.request import Request, urlopen

        if isinstance(input, str):
            body, kind = input.encode("utf-8"), "text/plain"
        elif isinstance(input, (bytes, bytearray)):
            body, kind = bytes(input), "application/octet-stream"
        else:
            body, kind = json.dumps(input).encode("ascii"), "application/json"
        headers = {"Content-Type": kind, "Accept": "application/json"}
        if self.client.apiKey:
            headers["Authorization"] = f"Simple {self.client.apiKey}"
        query = f"?{urlencode(self.options)}" if self.options else ""
        url = f"{self.client.apiAddress}/v1/algo/{self.path}{query}"
        try:
            with urlopen(Request(url, body, headers)) as response:
                return bytes(response.read())
        except HTTPError as error:
            answer = error.read()
            try:
                raise _exception(json.loads(answer)["error"]) from None
            except (ValueError, KeyError, TypeError):
                raise ApiError(f"{url} answered with status {error.code}") from None
        except URLError as error:
            raise ApiError(f"{url} cannot be reached: {error.reason}; see ALGORITHMIA_API") from None


def _exception(error: Any) -> AlgorithmException:
    if not isinstance(error, dict):
        return AlgorithmException(str(error))
    stack_trace = error.get("stacktrace", error.get("stack_trace"))
    return AlgorithmException(str(error.get("message", error)), stack_trace, error.get("error_type"))


class Handler(ADK):
    """The development kit's name in older algorithms: `Algorithmia.handler(apply, load).serve()`."""


def handler(apply_func: Any, load_func: Any = None) -> Handler:
    return Handler(apply_func, load_func)


def client(api_key: Any = None, api_address: Any = None, ca_cert: Any = None, bearer_token: Any = None) -> Client:
    return Client(api_key, api_address)


def algo(reference: str) -> Algorithm:
    return Client().algo(reference)


def file(url: str) -> Vanished:
    return Client().file(url)


def dir(url: str) -> Vanished:
    return Client().dir(url)
