"""framelabel: footage in, a reviewed, training-ready data set out.

>>> import framelabel
>>> street = framelabel.DataSet("street.framelabel")                    # doctest: +SKIP
>>> street.label("bikes.mp4", plugin="surveillance")                    # doctest: +SKIP
>>> for frame, boxes in street.frames("bikes"):                         # doctest: +SKIP
...     print(frame.ref.index, boxes.track_id, boxes.xyxy)
>>> street.export("street.json", to="coco")                             # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from framelabel.workflows.dataset import DataSet as DataSet

__version__ = "0.1.0"
__all__ = ["DataSet", "__version__"]


def __getattr__(name: str) -> Any:
    """Load `DataSet` on first use, so that `import framelabel` stays instant."""
    if name == "DataSet":
        from framelabel.workflows.dataset import DataSet

        return DataSet
    raise AttributeError(f"module 'framelabel' has no attribute '{name}'")
