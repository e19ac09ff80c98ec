"""Every format's secrets, written once.

Our own: frames from 0, boxes in continuous pixels with x2/y2 exclusive, classes by name.

| format | first frame | first pixel | x2, y2 | class | absent object |
|---|---|---|---|---|---|
| COCO, CocoVID, TAO | 0 | 0 | width = x2 - x1 | id from 1 | no row |
| YouTube-VIS | list position | 0 | width, height | id from 1 | null |
| BDD100K / Scalabel | 0 (file names from 1) | 0 | inclusive: width = x2 - x1 + 1 | name | no label |
| MOTChallenge | 1 | 0 (option: 1) | width, height | id from 1 | no row |
| KITTI | 0 | 0 | corners | name | no row |
| CVAT | 0 | 0 | exclusive | name | outside="1" |
| Label Studio | 1 | 0 | percent of the frame | name | enabled=false before |
| YOLO | - | 0 | centre and size as fractions | id from 0 | no row |
| Pascal VOC | - | 1 (option: 0) | inclusive | name | - |
| LabelMe | - | 0 | points | name | - |
| Datumaro | 0 | 0 | width, height | id from 0 | - |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from framelabel.core.labels import Flag
from framelabel.core.ontology import AttributeValue

FRAMES_FROM_ONE = 1
"""MOTChallenge and Label Studio number frames from 1; BDD100K does so in file names only."""

COCO_FIRST_ID = 1
"""COCO evaluators read annotation id 0 as "unmatched": ids of images, annotations and categories start at 1."""

SCALABEL_INCLUSIVE = 1.0
"""A Scalabel box includes the pixel at x2, y2: stored x2 = ours - 1."""

VOC_ORIGIN = 1.0
"""The top left pixel of Pascal VOC is (1, 1) and xmax is inclusive: stored xmin = ours + 1, xmax = ours."""

FLAG_ATTRIBUTES: Mapping[Flag, str] = {
    Flag.OCCLUDED: "occluded",
    Flag.TRUNCATED: "truncated",
    Flag.CROWD: "crowd",
    Flag.IGNORED: "ignored",
    Flag.KEYFRAME: "keyframe",
    Flag.PREDICTED: "predicted",
    Flag.DIFFICULT: "difficult",
}
"""How flags are named where a format holds them as boolean attributes (lower case, as Scalabel reads them)."""

_FLAG_OF = {name: flag for flag, name in FLAG_ATTRIBUTES.items()}
_ALIASES = {"Occluded": "occluded", "Truncated": "truncated", "Crowd": "crowd", "Ignored": "ignored"}
"""Spellings of the 2020 challenge page."""

BDD_DETECTION = (
    "pedestrian", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle", "traffic light", "traffic sign",
)  # fmt: skip
"""det_20, category ids 1 to 10 in this order."""
BDD_TRACKING = BDD_DETECTION[:8]
"""box_track_20, seg_track_20 and ins_seg."""
BDD_IGNORED = {"other person": "pedestrian", "other vehicle": "car", "trailer": "truck"}
"""Distractors: the toolkit maps them to these classes with attributes.ignored."""
BDD_OLD_NAMES = {"person": "pedestrian", "bike": "bicycle", "motor": "motorcycle", "van": "car", "caravan": "car"}
"""Names of the 2018 release, renamed by the toolkit."""
BDD_LANES = (
    "crosswalk", "double other", "double white", "double yellow", "road curb", "single other", "single white",
    "single yellow",
)  # fmt: skip
BDD_DRIVABLE = ("direct", "alternative", "background")
BDD_POSE = ("pedestrian",)
BDD_LIGHTS = {"R": "red", "G": "green", "Y": "yellow", "NA": "none", "N/A": "none"}
"""trafficLightColor is written long; records of the toolkit's own tests hold the short forms."""

MOT_CLASSES = (
    "pedestrian", "person on vehicle", "car", "bicycle", "motorbike", "non motorized vehicle", "static person",
    "distractor", "occluder", "occluder on the ground", "occluder full", "reflection",
)  # fmt: skip
"""MOT16 to MOT20, class 1 to 12."""

MOTS_CLASSES = {1: "car", 2: "pedestrian", 10: "ignore"}
"""KITTI MOTS and MOTS20; an object id is class * 1000 + instance."""

KITTI_CLASSES = (
    "Car", "Van", "Truck", "Pedestrian", "Person_sitting", "Cyclist", "Tram", "Misc", "Person",
)  # fmt: skip
KITTI_DONT_CARE = "DontCare"

COCO_KEYPOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip


def flag_attributes(flags: int) -> dict[str, AttributeValue]:
    """Return the raised flags as boolean attributes."""
    return {name: True for flag, name in FLAG_ATTRIBUTES.items() if flags & flag}


def split_attributes(given: object) -> tuple[int, dict[str, AttributeValue]]:
    """Return (flags, free attributes) of an attribute mapping; booleans under a flag's name become the flag.

    Values that are not text, number or bool are kept as their text; nulls are dropped.
    """
    if not isinstance(given, Mapping):
        return 0, {}
    flags = 0
    free: dict[str, AttributeValue] = {}
    for key, value in given.items():
        name = str(key)
        flag = _FLAG_OF.get(_ALIASES.get(name, name))
        if flag is not None and isinstance(value, bool):
            flags |= int(flag) if value else 0
        elif value is None:
            continue
        else:
            free[name] = value if isinstance(value, (str, int, float, bool)) else str(value)
    return flags, free


def default_name(video: str, index: int) -> str:
    """Return the picture name that framelabel gives frame `index` of a video, as `framelabel frames` does."""
    return f"{video}/frame_{index:06d}.png" if video else f"frame_{index:06d}.png"


def ruled_names(rule: Callable[[str, int], str], videos: Sequence[str], indices: Sequence[int]) -> list[str]:
    """Return the picture names of many frames by a rule that, as all of ours, starts with the video's name."""
    tails = {index: rule("-", index)[1:] for index in set(indices)}
    return [video + tails[index] if video else rule(video, index) for video, index in zip(videos, indices, strict=True)]


def bdd_name(video: str, index: int) -> str:
    """Return the picture name of BDD100K: seven digits, from 1."""
    return f"{video}-{index + FRAMES_FROM_ONE:07d}.jpg"
