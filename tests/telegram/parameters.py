"""What a request carries: values from JSON, forms, multipart or the query string, and the way a request is
refused.

The rule: every form of a request reads the same here; a value is looked at leniently, as the official server
does, and whatever is wrong with it is said by raising Refusal.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Json = dict[str, Any]

_INTEGER = re.compile(r"\s*(-?\d+)")


class Refusal(Exception):
    """A call the server answers with ok=false."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def envelope(self) -> Json:
        """The answer as the Bot API writes it."""
        answer: Json = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            answer["parameters"] = self.parameters
        return answer


def bad_request(text: str) -> Refusal:
    """400, prefixed as the official server does."""
    return Refusal(400, f"Bad Request: {text}")


def too_many(seconds: int) -> Refusal:
    """429 with the number of seconds to keep away."""
    return Refusal(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file sent along."""

    name: str
    data: bytes
    mime_type: str


@dataclass(slots=True)
class Params:
    """The values of one call."""

    values: dict[str, Any] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str) -> str:
        """The value as text; empty when absent."""
        value = self.values.get(name)
        if value is None:
            return ""
        return value if isinstance(value, str) else json.dumps(value)

    def integer(self, name: str, default: int = 0) -> int:
        """The value as a number; `default` when it is none."""
        found = _INTEGER.match(self.text(name))
        return int(found.group(1)) if found else default

    def flag(self, name: str) -> bool:
        """True for true, yes and 1."""
        return self.text(name).strip().lower() in ("true", "yes", "1")

    def structure(self, name: str, label: str) -> Any:
        """A nested value, which forms carry as JSON; None when absent or empty."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {label} JSON object") from None

    def upload(self, name: str) -> Upload | None:
        """A file sent under this name or attached to it."""
        text = self.text(name)
        if text.startswith("attach://"):
            found = self.uploads.get(text.removeprefix("attach://"))
            if found is None:
                raise bad_request("invalid file HTTP URL specified: Unsupported URL protocol")
            return found
        return self.uploads.get(name)


async def read_params(request: web.Request) -> Params:
    """Everything the request carries, whatever its form. Raises Refusal for a body that cannot be read."""
    params = Params(values=dict(request.query))
    try:
        if request.content_type == "application/json" and request.can_read_body:
            body = json.loads(await request.read() or b"{}")
            if not isinstance(body, dict):
                raise bad_request("object expected as request body")
            params.values.update(body)
        elif request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
            for name, value in (await request.post()).items():
                if isinstance(value, str):
                    params.values[name] = value
                elif isinstance(value, web.FileField):
                    with value.file as content:
                        params.uploads[name] = Upload(value.filename, content.read(), value.content_type)
                else:
                    params.uploads[name] = Upload("file", bytes(value), "application/octet-stream")
    except ValueError:
        raise bad_request("can't parse request body") from None
    except web.HTTPRequestEntityTooLarge:
        raise Refusal(413, "Request Entity Too Large") from None
    return params
