"""The page's application: every address, what it reads or changes, and how errors are said."""

from __future__ import annotations

import asyncio
import tempfile
import zipfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from framelabel.core.errors import FramelabelError, FrameNotFoundError, UnknownNameError, UsageError
from framelabel.formats.catalog import FORMATS
from framelabel.store.edits import Edit
from framelabel.web.edits import apply
from framelabel.web.guard import Visitor
from framelabel.web.live import Live
from framelabel.web.messages import body_of, json_response
from framelabel.web.pictures import nearest_width
from framelabel.web.plugin_pages import PluginPages
from framelabel.web.priority import give_way
from framelabel.web.studio import Studio
from framelabel.workflows.edit import Conflict, Editor

T = TypeVar("T")
_LONGEST_NAME = 64
_THREADS = 6
"""Threads that read and write: each keeps a connection to the project, and the cache of it, as long as it lives."""
_SAVING_THREADS = 2
"""Threads that save, so that no save waits until something is read or reckoned for others."""
_STATIC = resources.files("framelabel.web") / "static"


def create_app(studio: Studio) -> Starlette:
    """Return the application around an open project; `Guard` goes around it. `state.live` must be closed at the end."""
    live = Live()
    pages = Pages(studio, live)

    routes = [
        Route("/", pages.index),
        Route("/dashboard", pages.dashboard_page),
        Route("/api/project", pages.project),
        Route("/api/videos/{video:int}/frames/{frame:int}", pages.frame),
        Route("/api/videos/{video:int}/seconds", pages.seconds),
        Route("/api/videos/{video:int}/strip", pages.strip),
        Route("/api/videos/{video:int}/labels", pages.labels),
        Route("/api/videos/{video:int}/timeline", pages.timeline),
        Route("/api/videos/{video:int}/uncertain", pages.uncertain),
        Route("/api/videos/{video:int}/suggestions", pages.suggestions),
        Route("/api/videos/{video:int}/stitches", pages.stitches),
        Route("/api/videos/{video:int}/findings", pages.findings),
        Route("/api/edit", pages.edit, methods=["POST"]),
        Route("/api/undo", pages.undo, methods=["POST"]),
        Route("/api/redo", pages.redo, methods=["POST"]),
        Route("/api/task", pages.task, methods=["POST"]),
        Route("/api/answer", pages.answer, methods=["POST"]),
        Route("/api/dashboard", pages.dashboard),
        Route("/api/export/{format}", pages.export),
        Route("/api/live", pages.live),
        *PluginPages(studio, pages.threads).routes(),
        Mount("/static", StaticFiles(directory=str(_STATIC))),
    ]
    application = Starlette(routes=routes, exception_handlers={FramelabelError: _say})
    application.state.live = live
    return application


async def _say(_: Request, error: Exception) -> Response:
    """Answer a user's mistake with its one line."""
    is_missing = isinstance(error, (UnknownNameError, FrameNotFoundError))
    status = 404 if is_missing else 422 if isinstance(error, UsageError) else 500
    return json_response({"error": str(error)}, status)


def _request_name(body: dict[str, Any]) -> str:
    """Return the name that the page gave its request; names are short."""
    name = str(body.get("request", ""))
    if len(name) > _LONGEST_NAME:
        raise UsageError(f"a request's name may have {_LONGEST_NAME} characters")
    return name


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",") if part]
    except ValueError:
        raise UsageError("tracks must be whole numbers") from None


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
        self.threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="page")
        self._saving = ThreadPoolExecutor(_SAVING_THREADS, thread_name_prefix="save")
        self._carrying = ThreadPoolExecutor(1, thread_name_prefix="carry", initializer=give_way)

    async def index(self, _: Request) -> Response:
        """The page itself."""
        return _html("index.html")

    async def dashboard_page(self, _: Request) -> Response:
        """The page of counts, quality and people."""
        return _html("dashboard.html")

    async def project(self, request: Request) -> Response:
        """Videos, classes, and who is looking."""
        visitor = _visitor(request)
        overview = await self._run(self._studio.overview)
        you = {"name": visitor.name, "can_write": visitor.can_write}
        return json_response({**overview, "you": you, "present": self._live.present, "formats": list(FORMATS)})

    async def frame(self, request: Request) -> Response:
        """One picture by ordinal; the address names it for ever, so browsers may keep it."""
        video, frame = request.path_params["video"], request.path_params["frame"]
        own = (await self._run(self._studio.video, video)).width
        width = nearest_width(_number(request, "width", 0), own)
        playhead = "thumbnail" not in request.query_params
        waiting = await self._run(lambda: self._studio.picture(video, frame, width, playhead=playhead))
        try:
            data = await asyncio.wrap_future(waiting)  # no thread waits for the decoder
        except asyncio.CancelledError:
            if not waiting.cancelled():
                raise
            return json_response({"error": "the server is closing"}, 503)
        headers = {"cache-control": "private, max-age=3600, immutable", "x-frame": str(frame)}
        return Response(data, media_type="image/jpeg", headers=headers)

    async def seconds(self, request: Request) -> Response:
        """The time of every frame."""
        data = await self._run(self._studio.seconds, request.path_params["video"])
        return Response(data, media_type="application/octet-stream")

    async def strip(self, request: Request) -> Response:
        """The frames of the filmstrip."""
        return json_response(await self._run(self._studio.strip, request.path_params["video"]))

    async def labels(self, request: Request) -> Response:
        """The labels of a window of frames."""
        start = max(_number(request, "start", 0), 0)
        stop = max(_number(request, "stop", start + 1), start)
        return json_response(await self._run(self._studio.labels, request.path_params["video"], start, stop))

    async def timeline(self, request: Request) -> Response:
        """All tracks as rows, and events."""
        wanted = request.query_params.get("tracks")
        tracks = None if wanted is None else _numbers(wanted)
        return json_response(await self._run(self._studio.timeline, request.path_params["video"], tracks))

    async def uncertain(self, request: Request) -> Response:
        """Where to look next."""
        after = _number(request, "after", -1)
        return json_response(await self._run(self._studio.next_uncertain, request.path_params["video"], after))

    async def suggestions(self, request: Request) -> Response:
        """Which frame to label next."""
        return json_response(await self._run(self._studio.suggestions, request.path_params["video"]))

    async def stitches(self, request: Request) -> Response:
        """Which objects may be one."""
        return json_response(await self._run(self._studio.stitches, request.path_params["video"]))

    async def findings(self, request: Request) -> Response:
        """What looks wrong."""
        return json_response(await self._run(self._studio.findings, request.path_params["video"]))

    async def edit(self, request: Request) -> Response:
        """Change something; the answer says what looks different now."""
        body = await body_of(request)
        editor = self._studio.editor(_visitor(request).name, _request_name(body))
        changed = await self._save(apply, self._studio, editor, body)
        if isinstance(changed, Conflict):
            return json_response({"conflict": changed.frames}, 409)
        edit, track = changed
        if body.get("action") == "box" and body.get("track") is not None and track is not None:
            self._carry_around(editor, edit, track)
        return await self._changed(edit, track, body)

    async def undo(self, request: Request) -> Response:
        """Undo the visitor's last edit."""
        body = await body_of(request)
        edit = await self._save(self._studio.editor(_visitor(request).name).undo)
        return await self._changed(edit, None, body) if edit else json_response({"title": ""})

    async def redo(self, request: Request) -> Response:
        """Redo what the visitor undid last."""
        body = await body_of(request)
        edit = await self._save(self._studio.editor(_visitor(request).name).redo)
        return await self._changed(edit, None, body) if edit else json_response({"title": ""})

    async def task(self, request: Request) -> Response:
        """Hand out the most useful open task."""
        task, waiting = await self._run(self._studio.next_task, _visitor(request).name)
        shown = None
        if task is not None:
            # The known answer of a golden task is never sent before it is answered.
            names = ("id", "start", "stop", "track_id", "subject_id", "question", "choices", "reason")
            shown = {name: getattr(task, name) for name in names}
            shown |= {"kind": task.kind.value, "video": int(task.video_id)}
        return json_response({"task": shown, "open": waiting})

    async def answer(self, request: Request) -> Response:
        """Store an answer."""
        body = await body_of(request)
        name = _visitor(request).name
        verdict, seconds = str(body.get("verdict", "")), float(body.get("seconds", 0.0))
        if not verdict:
            raise UsageError("an answer needs a verdict")
        task_id, content = int(body.get("task", 0)), body.get("content") or {}

        def work() -> tuple[bool, str]:
            is_new = self._studio.answer(task_id, name, verdict, seconds, content)
            return is_new, self._studio.known_answer(task_id)

        is_new, known = await self._save(work)
        self._live.send("answer", name=name)
        return json_response({"stored": is_new, "known": known})

    async def dashboard(self, _: Request) -> Response:
        """Counts and people."""
        return json_response(await self._run(self._studio.dashboard))

    async def export(self, request: Request) -> Response:
        """Labels in a format, as a download; the server chooses every path."""
        name = request.path_params["format"]
        data = await self._run(_zipped_export, self._studio, name)
        headers = {"content-disposition": f'attachment; filename="{self._studio.project.path.stem}_{name}.zip"'}
        return Response(data, media_type="application/zip", headers=headers)

    async def live(self, request: Request) -> Response:
        """What changes, as it happens."""
        stream = self._live.listen(_visitor(request).name)
        return StreamingResponse(stream, media_type="text/event-stream", headers={"cache-control": "no-store"})

    async def _run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run something that reads or writes in one of a few threads, which live as long as their connections."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, work, *arguments)

    async def _save(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run something that a person waits to see saved."""
        return await asyncio.get_running_loop().run_in_executor(self._saving, work, *arguments)

    def _carry_around(self, editor: Editor, edit: Edit, track: int) -> None:
        """Solve the frames around a corrected box: the box is saved already, what follows from it is told when done."""
        loop, studio = asyncio.get_running_loop(), self._studio

        def work() -> None:
            video = studio.video(int(edit.video_id))
            done = editor.carry_around(edit, video, track, studio.carry(video))
            if done is not None:
                facts = _told(done, studio.settle(done), "")
                loop.call_soon_threadsafe(lambda: self._live.send("changed", **facts))

        self._carrying.submit(work).add_done_callback(lambda done: self._tell_problem(loop, done))

    def _tell_problem(self, loop: asyncio.AbstractEventLoop, done: Future[None]) -> None:
        """Say on the pages why something that went on behind them failed."""
        error = None if done.cancelled() else done.exception()
        if error is not None and not loop.is_closed():
            loop.call_soon_threadsafe(lambda: self._live.send("problem", text=str(error)))

    async def _changed(self, edit: Edit, track: int | None, body: dict[str, Any]) -> Response:
        facts = _told(edit, await self._save(self._studio.settle, edit), str(body.get("session", "")))
        asyncio.get_running_loop().call_soon(lambda: self._live.send("changed", **facts))
        return json_response({**facts, "track": track})


def _told(edit: Edit, tracks: list[int], session: str) -> dict[str, Any]:
    """Return what every open page hears of an edit."""
    return {
        "video": int(edit.video_id),
        "start": edit.span.start,
        "stop": edit.span.stop,
        "title": edit.title,
        "by": edit.author,
        "tracks": tracks,
        "session": session,
    }


def _html(name: str) -> Response:
    text = (_STATIC / name).read_text("utf-8")
    return Response(text, media_type="text/html", headers={"cache-control": "no-cache"})


def _visitor(request: Request) -> Visitor:
    visitor: Visitor = request.scope["visitor"]
    return visitor


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
