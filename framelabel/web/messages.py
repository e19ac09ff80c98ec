"""JSON in and out."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from framelabel.core.errors import UsageError


def json_response(content: Any, status: int = 200) -> Response:
    """Return an answer that is never kept by a cache."""
    data = orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY)
    return Response(data, status, media_type="application/json", headers={"cache-control": "no-store"})


async def body_of(request: Request) -> dict[str, Any]:
    """Return a request's JSON object; a key that is missing from it is the sender's mistake, and said so.

    Raises:
        UsageError: not a JSON object.
    """
    try:
        content = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise UsageError("the request is not JSON") from None
    if not isinstance(content, dict):
        raise UsageError("the request is not a JSON object")
    return _Body(content)


class _Body(dict[str, Any]):
    def __missing__(self, key: str) -> Any:
        raise UsageError(f"the request lacks '{key}'")
