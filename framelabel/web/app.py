"""The page's application: every address, what it reads or changes, and how errors are said."""

from __future__ import annotations

import asyncio
import tempfile
import zipfile
from collections.abc import Awaitable, Callable
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from framelabel.core.errors import FramelabelError, UnknownNameError, UsageError
from framelabel.core.frames import Span
from framelabel.core.tracks import Visibility
from framelabel.formats.catalog import FORMATS
from framelabel.store.edits import Edit
from framelabel.web.guard import Visitor
from framelabel.web.live import Live
from framelabel.web.pictures import nearest_width
from framelabel.web.studio import Studio
from framelabel.workflows.edit import Conflict, Editor

Handler = Callable[[Request], Awaitable[Response]]
_STATIC = resources.files("framelabel.web") / "static"


def create_app(studio: Studio) -> Starlette:
    """Return the application around an open project; `Guard` goes around it. `state.live` must be closed at the end."""
    live = Live()
    pages = Pages(studio, live)

    routes = [
        Route("/", pages.index),
        Route("/api/project", pages.project),
        Route("/api/videos/{video:int}/frames/{frame:int}", pages.frame),
        Route("/api/videos/{video:int}/seconds", pages.seconds),
        Route("/api/videos/{video:int}/labels", pages.labels),
        Route("/api/videos/{video:int}/timeline", pages.timeline),
        Route("/api/videos/{video:int}/uncertain", pages.uncertain),
        Route("/api/edit", pages.edit, methods=["POST"]),
        Route("/api/undo", pages.undo, methods=["POST"]),
        Route("/api/redo", pages.redo, methods=["POST"]),
        Route("/api/task", pages.task, methods=["POST"]),
        Route("/api/answer", pages.answer, methods=["POST"]),
        Route("/api/dashboard", pages.dashboard),
        Route("/api/export/{format}", pages.export),
        Route("/api/live", pages.live),
        Mount("/static", StaticFiles(directory=str(_STATIC))),
    ]
    application = Starlette(routes=routes, exception_handlers={FramelabelError: _say})
    application.state.live = live
    return application


async def _say(_: Request, error: Exception) -> Response:
    """Answer a user's mistake with its one line."""
    status = 404 if isinstance(error, UnknownNameError) else 422 if isinstance(error, UsageError) else 500
    return _json({"error": str(error)}, status)


def _json(content: Any, status: int = 200) -> Response:
    data = orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS)
    return Response(data, status, media_type="application/json", headers={"cache-control": "no-store"})


async def _body(request: Request) -> dict[str, Any]:
    try:
        content = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise UsageError("the request is not JSON") from None
    if not isinstance(content, dict):
        raise UsageError("the request is not a JSON object")
    return content


def _number(request: Request, name: str, missing: int) -> int:
    try:
        return int(request.query_params.get(name, missing))
    except ValueError:
        raise UsageError(f"{name} must be a whole number") from None


class Pages:
    """The handlers. Anything that decodes, reads or writes runs in a thread, so that the loop stays free."""

    def __init__(self, studio: Studio, live: Live) -> None:
        self._studio = studio
        self._live = live

    async def index(self, _: Request) -> Response:
        """The page itself."""
        text = (_STATIC / "index.html").read_text("utf-8")
        return Response(text, media_type="text/html", headers={"cache-control": "no-cache"})

    async def project(self, request: Request) -> Response:
        """Videos, classes, and who is looking."""
        visitor = _visitor(request)
        overview = await run_in_threadpool(self._studio.overview)
        you = {"name": visitor.name, "can_write": visitor.can_write}
        return _json({**overview, "you": you, "present": self._live.present, "formats": list(FORMATS)})

    async def frame(self, request: Request) -> Response:
        """One picture by ordinal; the address names it for ever, so browsers may keep it."""
        video, frame = request.path_params["video"], request.path_params["frame"]
        own = (await run_in_threadpool(self._studio.video, video)).width
        width = nearest_width(_number(request, "width", 0), own)
        playhead = "thumbnail" not in request.query_params
        data = await run_in_threadpool(self._studio.picture, video, frame, width, playhead=playhead)
        headers = {"cache-control": "private, max-age=3600, immutable", "x-frame": str(frame)}
        return Response(data, media_type="image/jpeg", headers=headers)

    async def seconds(self, request: Request) -> Response:
        """The time of every frame."""
        data = await run_in_threadpool(self._studio.seconds, request.path_params["video"])
        return Response(data, media_type="application/octet-stream")

    async def labels(self, request: Request) -> Response:
        """The labels of a window of frames."""
        start = max(_number(request, "start", 0), 0)
        stop = max(_number(request, "stop", start + 1), start)
        return _json(await run_in_threadpool(self._studio.labels, request.path_params["video"], start, stop))

    async def timeline(self, request: Request) -> Response:
        """All tracks as rows, and events."""
        return _json(await run_in_threadpool(self._studio.timeline, request.path_params["video"]))

    async def uncertain(self, request: Request) -> Response:
        """Where to look next."""
        after = _number(request, "after", -1)
        return _json(await run_in_threadpool(self._studio.next_uncertain, request.path_params["video"], after))

    async def edit(self, request: Request) -> Response:
        """Change something; the answer says what looks different now."""
        body, editor = await _body(request), self._studio.editor(_visitor(request).name)
        changed = await run_in_threadpool(_apply, self._studio, editor, body)
        if isinstance(changed, Conflict):
            return _json({"conflict": changed.frames}, 409)
        edit, track = changed
        return self._changed(edit, track)

    async def undo(self, request: Request) -> Response:
        """Undo the visitor's last edit."""
        edit = await run_in_threadpool(self._studio.editor(_visitor(request).name).undo)
        return self._changed(edit, None) if edit else _json({"title": ""})

    async def redo(self, request: Request) -> Response:
        """Redo what the visitor undid last."""
        edit = await run_in_threadpool(self._studio.editor(_visitor(request).name).redo)
        return self._changed(edit, None) if edit else _json({"title": ""})

    async def task(self, request: Request) -> Response:
        """Hand out the most useful open task."""
        task, waiting = await run_in_threadpool(self._studio.next_task, _visitor(request).name)
        shown = None
        if task is not None:
            # The known answer of a golden task is never sent before it is answered.
            names = ("id", "start", "stop", "track_id", "subject_id", "question", "choices", "reason")
            shown = {name: getattr(task, name) for name in names}
            shown |= {"kind": task.kind.value, "video": int(task.video_id)}
        return _json({"task": shown, "open": waiting})

    async def answer(self, request: Request) -> Response:
        """Store an answer."""
        body = await _body(request)
        name = _visitor(request).name
        verdict, seconds = str(body.get("verdict", "")), float(body.get("seconds", 0.0))
        if not verdict:
            raise UsageError("an answer needs a verdict")
        is_new = await run_in_threadpool(
            self._studio.answer, int(body.get("task", 0)), name, verdict, seconds, body.get("content") or {}
        )
        self._live.send("answer", name=name)
        return _json({"stored": is_new})

    async def dashboard(self, _: Request) -> Response:
        """Counts and people."""
        return _json(await run_in_threadpool(self._studio.dashboard))

    async def export(self, request: Request) -> Response:
        """Labels in a format, as a download; the server chooses every path."""
        name = request.path_params["format"]
        data = await run_in_threadpool(_zipped_export, self._studio, name)
        headers = {"content-disposition": f'attachment; filename="{self._studio.project.path.stem}_{name}.zip"'}
        return Response(data, media_type="application/zip", headers=headers)

    async def live(self, request: Request) -> Response:
        """What changes, as it happens."""
        stream = self._live.listen(_visitor(request).name)
        return StreamingResponse(stream, media_type="text/event-stream", headers={"cache-control": "no-store"})

    def _changed(self, edit: Edit, track: int | None) -> Response:
        facts = {
            "video": int(edit.video_id),
            "start": edit.span.start,
            "stop": edit.span.stop,
            "title": edit.title,
            "by": edit.author,
        }
        asyncio.get_running_loop().call_soon(lambda: self._live.send("changed", **facts))
        return _json({**facts, "track": track})


def _visitor(request: Request) -> Visitor:
    visitor: Visitor = request.scope["visitor"]
    return visitor


def _apply(studio: Studio, editor: Editor, body: dict[str, Any]) -> tuple[Edit, int | None] | Conflict:
    """Run one edit as the page names it.

    Raises:
        UsageError: unknown action, or a missing or malformed value.
    """
    try:
        action, video = str(body["action"]), studio.video(int(body["video"]))
        track = None if body.get("track") is None else int(body["track"])
        frame = int(body.get("frame", 0))
        span = Span(int(body["start"]), int(body["stop"])) if "start" in body else None
        if action == "box":
            return editor.put_box(
                video,
                frame,
                [float(side) for side in body["xyxy"]],
                track_id=track,
                class_name=str(body.get("class", "")),
                visibility=Visibility(int(body.get("visibility", 0))),
                attributes=body.get("attributes") or {},
                carry=studio.carry(video),
            )
        if action == "tag":
            return editor.tag(video, frame, body["tags"]), None
        if track is None:
            raise UsageError(f"'{action}' needs a track")
        if action == "delete":
            return editor.delete(video, track, span), track
        if action == "class":
            return editor.set_class(video, track, str(body["class"]), span), track
        if action == "propagate":
            where = span or Span(frame, min(frame + 100, video.frame_count))
            return editor.propagate(video, track, where, studio.carry(video)), track
        if action == "split":
            return editor.split(video, track, frame)
        if action == "swap":
            return editor.swap(video, track, int(body["other"]), frame), track
        if action == "merge":
            merged = editor.merge(video, track, int(body["other"]), force=bool(body.get("force")))
            return merged if isinstance(merged, Conflict) else (merged, track)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, FramelabelError):
            raise
        raise UsageError(f"malformed edit: {error!r}") from None
    raise UsageError(f"unknown action '{action}'")


def _zipped_export(studio: Studio, name: str) -> bytes:
    """Write an export into a folder of our own and return it zipped."""
    entry = FORMATS.load(name)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "export" / studio.project.path.stem
        target.parent.mkdir()
        entry().write(studio.project.labels(), target)
        packed = BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(target.parent.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(target.parent).as_posix())
        return packed.getvalue()
