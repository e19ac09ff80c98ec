"""A plugin's own code: one function from Boxes and FrameRef to Boxes, loaded only when its workflow runs."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable
from pathlib import Path

from framelabel.core.boxes import Boxes
from framelabel.core.errors import InvalidManifestError
from framelabel.core.frames import FrameRef

Hook = Callable[[Boxes, FrameRef], Boxes]


def no_change(boxes: Boxes, ref: FrameRef) -> Boxes:  # noqa: ARG001 - the shape of a hook
    """Return the boxes as they are: the hook of a plugin without one."""
    return boxes


def load_hook(hook: str, folder: Path) -> Hook:
    """Run `file.py` of the plugin's folder and return its function ("file.py:function").

    Raises:
        InvalidManifestError: no such file or function, it fails to load, or it does not take (boxes, ref).
    """
    file, _, name = hook.partition(":")
    path = (folder / file).resolve()
    if path.parent != folder.resolve() or not path.is_file():
        msg = f"{folder / file}: the hook's file is not in the plugin's folder"
        raise InvalidManifestError(msg)
    spec = importlib.util.spec_from_file_location(f"framelabel_hook_{folder.name}_{path.stem}", path)
    if spec is None or spec.loader is None:
        msg = f"{path}: not a Python file"
        raise InvalidManifestError(msg)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        msg = f"{path}: the hook does not load: {type(error).__name__}: {error}"
        raise InvalidManifestError(msg) from error
    function = getattr(module, name, None)
    if not callable(function):
        msg = f"{path}: has no function '{name}'"
        raise InvalidManifestError(msg)
    if len(inspect.signature(function).parameters) != 2:
        msg = f"{path}: '{name}' must take (boxes, ref)"
        raise InvalidManifestError(msg)

    def guarded(boxes: Boxes, ref: FrameRef) -> Boxes:
        result = function(boxes, ref)
        if not isinstance(result, Boxes):
            msg = f"{path}: '{name}' must return Boxes, got {type(result).__name__}"
            raise InvalidManifestError(msg)
        return result

    return guarded
