"""Ask any server that speaks the OpenAI chat protocol about a picture; its answer is checked, never trusted."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from framelabel.core.errors import EndpointError, UsageError

_TRANSIENT = {408, 409, 425, 429, 500, 502, 503, 504}
_LARGEST_ANSWER = 1 << 20


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A configured server."""

    url: str
    """Base, such as "http://localhost:8080/v1"."""
    model: str
    key: str = ""
    timeout_s: float = 60.0
    retries: int = 2
    """Further attempts after a fault or an answer that is not one of the choices."""
    pause_s: float = 1.0
    """Before the first retry; doubled before each further one."""

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("http", "https"):
            raise UsageError(f"--endpoint {self.url}: give an http or https address, such as http://localhost:8080/v1")


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one question."""

    choice: str
    """One of the choices; "" when no valid answer came."""
    seconds: float
    attempts: int
    problem: str = ""
    """Why there is no answer."""


def ask(
    endpoint: Endpoint,
    question: str,
    choices: Sequence[str],
    jpeg: bytes,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Reply:
    """Ask one question about one picture.

    Raises:
        EndpointError: the server refuses the request as such (key, model name, address); asking on makes no sense.
    """
    started = time.monotonic()
    problem = ""
    for attempt in range(endpoint.retries + 1):
        if attempt:
            sleep(endpoint.pause_s * 2 ** (attempt - 1))
        try:
            content = _post(endpoint, _request(endpoint, question, choices, jpeg))
        except TimeoutError:
            problem = f"no answer within {endpoint.timeout_s:g} s"
            continue
        except (OSError, ValueError) as error:
            if isinstance(error, EndpointError):
                raise
            problem = f"{type(error).__name__}: {error}"
            continue
        choice = parse_choice(content, choices)
        if choice:
            return Reply(choice, time.monotonic() - started, attempt + 1)
        problem = f"answered {content[:80]!r}, not one of {', '.join(choices)}"
    return Reply("", time.monotonic() - started, endpoint.retries + 1, problem)


def parse_choice(content: str, choices: Sequence[str]) -> str:
    """Return the choice in an answer of the form {"answer": "..."}; "" when it is anything else.

    A code fence around the object is forgiven, prose is not.

    >>> parse_choice('{"answer": "Right"}', ["right", "wrong"])
    'right'
    """
    text = content.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    try:
        given = json.loads(text)
    except ValueError:
        return ""
    answer = given.get("answer") if isinstance(given, dict) and set(given) == {"answer"} else None
    if not isinstance(answer, str):
        return ""
    return next((choice for choice in choices if choice.lower() == answer.strip().lower()), "")


def _request(endpoint: Endpoint, question: str, choices: Sequence[str], jpeg: bytes) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "string", "enum": list(choices)}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    picture = "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
    text = f'{question}\nAnswer only with JSON: {{"answer": one of {json.dumps(list(choices))}}}.'
    return {
        "model": endpoint.model,
        "temperature": 0,
        "max_tokens": 50,
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}},
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": text},
                    {"type": "image_url", "image_url": {"url": picture}},
                ],
            }
        ],
    }


def _post(endpoint: Endpoint, body: dict[str, Any]) -> str:
    """Send a request and return the text of the answer."""
    headers = {"Content-Type": "application/json"}
    if endpoint.key:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    address = f"{endpoint.url.rstrip('/')}/chat/completions"
    request = urllib.request.Request(address, json.dumps(body).encode(), headers)  # noqa: S310 - scheme checked above
    try:
        with urllib.request.urlopen(request, timeout=endpoint.timeout_s) as response:  # noqa: S310 - as above
            answer = json.loads(response.read(_LARGEST_ANSWER))
    except urllib.error.HTTPError as error:
        detail = " ".join(error.read(300).decode(errors="replace").split())
        if error.code in _TRANSIENT:
            raise OSError(f"HTTP {error.code} {detail}") from None
        raise EndpointError(f"{address}: HTTP {error.code} {detail}; check address, model name and key") from None
    try:
        content = answer["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        raise ValueError("the answer is not a chat completion") from None
    return content if isinstance(content, str) else ""
