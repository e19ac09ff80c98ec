"""Every reader of the catalog hands out the same pictures under the same identity."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from framelabel.core.errors import FrameNotFoundError, MissingExtraError, UnknownNameError
from framelabel.core.frames import VideoId
from framelabel.media import open_reader
from framelabel.media.catalog import READERS

COUNT = 40


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the same 40 pictures as a video and as a folder of PNG files (the video's, decoded)."""
    folder = tmp_path_factory.mktemp("sources")
    video = folder / "clip.mp4"
    with av.open(str(video), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "10", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(COUNT):
            image = np.full((64, 96, 3), 5 * number, np.uint8)
            image[8:24, number : number + 16] = (255, 40, 200)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    pictures = folder / "pictures"
    pictures.mkdir()
    for frame in open_reader(video).read_all():
        cv2.imwrite(str(pictures / f"f{frame.ref.index}.png"), cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR))
    return {"video": video, "images": pictures}


@pytest.mark.parametrize("name", [name for name in READERS if name != "bytes"])
def test_a_reader_keeps_the_protocol(name: str, sources: dict[str, Path]) -> None:
    """Same count, same pictures in any order, identity in every frame, a clear error outside, closing twice."""
    source = sources["images" if name == "images" else "video"]
    truth = [frame.image for frame in open_reader(sources["video"]).read_all()]
    try:
        reader = open_reader(source, video_id=VideoId(7), reader=name)
    except MissingExtraError as error:
        pytest.skip(str(error))
    assert len(reader.index) == COUNT == reader.header.frame_count_from_header == reader.content.frame_count
    assert reader.header.size == (96, 64)
    for ordinal in (0, 1, 39, 17, 16, 18, 5):
        frame = reader.frame(ordinal)
        assert frame.ref == reader.index.ref(VideoId(7), ordinal)
        assert frame.image.dtype == np.uint8
        assert frame.image.flags.c_contiguous
        assert np.array_equal(frame.image, truth[ordinal]), ordinal
    assert [frame.ref.index for frame in reader.read([3, 9, 4])] == [3, 9, 4]
    wanted = list(reader.read_all(lambda ref: ref.index >= 37))
    assert [frame.ref.index for frame in wanted] == [37, 38, 39]
    assert np.array_equal(wanted[0].image, truth[37])
    thumbnails = dict(reader.thumbnails([0, 30], (12, 8)))
    assert thumbnails[30].shape == (8, 12)
    assert thumbnails[30].mean() > thumbnails[0].mean()
    with pytest.raises(FrameNotFoundError, match="frame 40 does not exist; the video has frames 0 to 39"):
        reader.frame(40)
    reader.close()
    reader.close()


def test_an_unknown_reader_is_named() -> None:
    """A misspelt reader gets the nearest name."""
    with pytest.raises(UnknownNameError, match="Did you mean 'decord'"):
        open_reader("clip.mp4", reader="decorde")
