"""Every output decoder by name. A new one is one file beside this and one line here."""

from __future__ import annotations

from typing import Any

from framelabel.core.catalog import Catalog

DECODERS: Catalog[Any] = Catalog(
    "decoder",
    {
        "yolox": "framelabel.inference.decoders.yolox:Yolox",
        "yolov5": "framelabel.inference.decoders.yolov5:Yolov5",
        "yolov8": "framelabel.inference.decoders.yolov8:Yolov8",
        "yolov8_seg": "framelabel.inference.decoders.yolov8_seg:Yolov8Seg",
        "yolov8_obb": "framelabel.inference.decoders.yolov8_obb:Yolov8Obb",
        "yolov10": "framelabel.inference.decoders.yolov10:Yolov10",
        "nanodet": "framelabel.inference.decoders.nanodet:Nanodet",
        "yunet": "framelabel.inference.decoders.yunet:Yunet",
        "detr": "framelabel.inference.decoders.detr:Detr",
        "ssd": "framelabel.inference.decoders.ssd:Ssd",
        "classifier": "framelabel.inference.decoders.classifier:Classifier",
        "segmenter": "framelabel.inference.decoders.segmenter:Segmenter",
        "instance_masks": "framelabel.inference.decoders.instance_masks:InstanceMasks",
    },
)
"""name -> class with a frozen `Options` dataclass, built as `Entry(options, input_size=(width, height))`."""
