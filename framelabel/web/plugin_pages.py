"""The plugin's form over HTTP: what it holds, a preview on one frame, saving, and the events that its rules find."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from framelabel.core.errors import UsageError
from framelabel.web.messages import body_of, json_response
from framelabel.web.pictures import LOSSLESS
from framelabel.web.studio import Studio

if TYPE_CHECKING:
    from framelabel.workflows.plugin_form import PluginForm

T = TypeVar("T")


class PluginPages:
    """The handlers; the page names no file, the server knows which plugin is open."""

    def __init__(self, studio: Studio, threads: Executor) -> None:
        self._studio = studio
        self._threads = threads

    def routes(self) -> list[Route]:
        """Return the addresses."""
        return [
            Route("/api/plugin/name", self.name),
            Route("/api/plugin", self.state),
            Route("/api/plugin/preview", self.preview, methods=["POST"]),
            Route("/api/plugin/save", self.save, methods=["POST"]),
            Route("/api/plugin/events", self.events, methods=["POST"]),
        ]

    async def name(self, _: Request) -> Response:
        """The plugin's name; null where there is none to show."""
        form = await self._run(lambda: self._studio.form)
        return json_response({"name": None if form is None else form.folder.name})

    async def state(self, _: Request) -> Response:
        """The plugin's values."""
        return json_response(await self._run(lambda: self._form().state()))

    async def preview(self, request: Request) -> Response:
        """What a plugin with changed values sees in a frame, and how many events its rules find in the labels."""
        body = await body_of(request)
        form, video, frame = self._form(), self._studio.video(int(body["video"])), int(body["frame"])
        waiting = await self._run(lambda: self._studio.picture(int(video.id), frame, LOSSLESS, playhead=True))
        data = await asyncio.wrap_future(waiting)

        def look() -> dict[str, Any]:
            ref = self._studio.project.frame_index(video.id).ref(video.id, frame)
            image = cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
            boxes = form.preview(body["values"], ref, np.asarray(image, dtype=np.uint8))
            return {"boxes": boxes, "events": form.events(body["values"], self._studio.project, video)}

        return json_response(await self._run(look))

    async def save(self, request: Request) -> Response:
        """Write the plugin.yaml."""
        body = await body_of(request)
        form = self._form()
        self._studio.form = await self._run(form.save, body["values"], str(body["digest"]), self._studio.project)
        return json_response(await self._run(self._studio.form.state))

    async def events(self, request: Request) -> Response:
        """Evaluate the saved rules on the labels of a video."""
        body = await body_of(request)
        video = self._studio.video(int(body["video"]))
        return json_response({"events": await self._run(self._form().store_events, self._studio.project, video)})

    def _form(self) -> PluginForm:
        if self._studio.form is None:
            raise UsageError("no plugin is known for this project; name it: framelabel review P --plugin NAME")
        return self._studio.form

    async def _run(self, work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
