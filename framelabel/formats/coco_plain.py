"""Which COCO annotations are read in bulk: those that hold nothing but numbers, the same fields in each."""

from __future__ import annotations

from framelabel.formats.uniform import NumberTable, TableForm, number_table

TRACK_FIELDS = ("track_id", "instance_id", "scalabel_id")
"""Names under which the family holds identities, the first that is there counts."""
_FORM = TableForm(
    {
        "bbox": 4,
        "segmentation": 0,
        **dict.fromkeys(("id", "image_id", "category_id", "area", "iscrowd", "ignore", "video_id", "score"), 1),
        **dict.fromkeys(("visibility", *TRACK_FIELDS), 1),
    },
    frozenset({"image_id", "category_id", "bbox"}),
)


def _table(data: bytes) -> tuple[NumberTable, int] | None:
    """Read annotations that hold nothing but numbers, the same fields in each, as a table."""
    cut = data.rfind(b"},") + 1
    table = number_table(data[:cut].lstrip(b", \t\r\n"), _FORM) if cut else None
    return (table, cut) if table is not None else None


SHORTCUTS = {"annotations": _table, "[]": _table}
"""How annotations are read in bulk."""
