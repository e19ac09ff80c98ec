"""The loop that supervision's documentation teaches: OpenCV, ONNX Runtime, its own ByteTrack. Run by pipeline.py.

Needs an interpreter with supervision 0.27, onnxruntime and OpenCV; prints seconds and frames.
"""

from __future__ import annotations

import sys
import time

import cv2
import numpy as np
import onnxruntime
import supervision
from numpy.typing import NDArray


def main(clip: str, model: str) -> None:
    """Label a clip and print "seconds frames tracks"."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    tracker = supervision.ByteTrack()
    grid, stride = _grid()
    tracks: set[int] = set()
    frames = 0
    begun = time.perf_counter()
    for frame in supervision.get_video_frames_generator(clip):
        scale = min(416 / frame.shape[1], 416 / frame.shape[0])
        resized = cv2.resize(frame, (round(frame.shape[1] * scale), round(frame.shape[0] * scale)))
        padded = np.full((416, 416, 3), 114, np.uint8)
        padded[: resized.shape[0], : resized.shape[1]] = resized
        batch = np.ascontiguousarray(padded.transpose(2, 0, 1)[None], dtype=np.float32)
        output = session.run(None, {session.get_inputs()[0].name: batch})[0][0]
        centre = (output[:, :2] + grid) * stride
        half = np.exp(output[:, 2:4]) * stride / 2
        scores = output[:, 4:5] * output[:, 5:]
        best = scores.argmax(1)
        score = scores[np.arange(len(best)), best]
        kept = score > 0.1
        found = supervision.Detections(
            xyxy=np.concatenate([centre - half, centre + half], 1)[kept] / scale,
            confidence=score[kept],
            class_id=best[kept],
        ).with_nms(0.65)
        tracks.update(tracker.update_with_detections(found).tracker_id.tolist())
        frames += 1
    print(time.perf_counter() - begun, frames, len(tracks))


def _grid() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    cells, strides = [], []
    for stride in (8, 16, 32):
        side = 416 // stride
        rows, columns = np.mgrid[:side, :side]
        cells.append(np.stack([columns, rows], 2).reshape(-1, 2))
        strides.append(np.full((side * side, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)


if __name__ == "__main__":
    main(*sys.argv[1:3])
