"""Where to go next: suggested labels, what looks wrong, events, and two objects that may be one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

from framelabel.core.annotations import Origin, Provenance
from framelabel.core.events import Event
from framelabel.core.frames import Span, VideoId
from framelabel.core.tracks import Track
from framelabel.store.project import Project
from framelabel.workflows import lint, stitch, suggest
from framelabel.workflows.edit import Editor
from tests.browser.pages import said, seek, served


def test_jumps_go_where_the_workflows_say(visit: Callable[[str], Page], project: Path) -> None:
    """The page goes to the very frame and object that suggestion, lint, and events name, and says why."""
    with Project(project, write=True) as stored:
        video = stored.videos()[0]
        frames = np.arange(4, 35)
        doubt = 0.3 * np.sin(np.linspace(0, np.pi, 31))
        boxes = np.tile([4.0, 30, 14, 38], (31, 1))
        is_key = np.isin(frames, [4, 34])
        track = Track.of(7, frames, boxes, uncertainty=doubt, is_keyframe=is_key)
        stored.put_tracks(video.id, [track], Provenance(Origin.HUMAN, "setup"))
        far = np.where((np.arange(20) == 11)[:, None], [70.0, 50, 80, 60], [2.0, 50, 12, 60])
        stored.put_tracks(video.id, [Track.of(8, np.arange(20), far)], Provenance(Origin.TRACKER, "t"))
        spans = [(20, 30, 25), (22, 26, 24), (26, 40, 30), (30, 35, 31)]
        stored.append_events([Event(video.id, "seen", "seen", start, stop, (7,), at) for start, stop, at in spans])
        suggested = suggest.next_labels(stored, video).queue.suggestions[0]
        wrong = sorted((item.frame, item.track_id) for item in lint.findings(stored, stored.labels([video.id])))
    with served(project) as (_, [url]):
        page = visit(url)
        page.locator("#picture").focus()
        page.keyboard.press("g")
        said(page, "label this frame next")
        at = page.evaluate("() => [framelabel.frame, framelabel.selected]")
        assert at == [suggested.frame, suggested.track_id]
        seek(page, 0)
        page.keyboard.press("e")
        page.wait_for_function("() => framelabel.frame === 25 && framelabel.selected === 7")
        assert page.evaluate("() => framelabel.timeline.lanes") == [0, 1, 1, 0]
        seek(page, 0)
        page.evaluate("() => framelabel.pick(null)")
        page.keyboard.press("j")
        later = next(place for place in wrong if place[0] > 0 or place[1] > -1)
        there = "([frame, track]) => framelabel.frame === frame && framelabel.selected === track"
        page.wait_for_function(there, arg=list(later))
        assert "boxes drawn" in page.inner_text("#effort")


def test_a_proposal_is_accepted_by_key(visit: Callable[[str], Page], project: Path) -> None:
    """Two pieces of one object are shown with their probability; Enter joins them, which can be undone."""
    with Project(project, write=True) as stored:
        video = stored.videos()[0]
        Editor(stored, "setup").split(video, 1, 30)
        Editor(stored, "setup").delete(video, 1, Span(28, 30))
        [proposal] = [item for item in stitch.proposals(stored, video) if item.kept == 1]
    with served(project) as (_, [url]):
        page = visit(url)
        page.locator("#picture").focus()
        page.keyboard.press("u")
        said(page, f"one object with probability {100 * proposal.score:.0f} %")
        page.keyboard.press("Enter")
        said(page, f"merge {proposal.other} into 1")
        with Project(project) as stored:
            assert [track.id for track in stored.tracks(VideoId(1))] == [1, 2]
        page.keyboard.press("z")
        said(page, "undo: merge")
        with Project(project) as stored:
            assert len(stored.tracks(VideoId(1))) == 3
