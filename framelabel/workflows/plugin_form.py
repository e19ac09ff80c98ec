"""A plugin's settings as the page's form: what they are, what a change would find, and saving into its plugin.yaml."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import orjson
from numpy.typing import NDArray

from framelabel import plugins
from framelabel.core.colours import colour_of
from framelabel.core.config import field_types
from framelabel.core.errors import FramelabelError, UsageError
from framelabel.core.frames import Frame, FrameRef
from framelabel.core.protocols import SILENT
from framelabel.core.videos import Video
from framelabel.plugins.loading import MANIFEST, bundled_folder, check_text, known_plugins
from framelabel.plugins.places import lines_of, rules_of, zones_of
from framelabel.plugins.schema import Manifest
from framelabel.plugins.yaml_edit import edited, plain
from framelabel.plugins.yaml_lines import parse
from framelabel.review.consensus.catalog import CONSENSUS
from framelabel.rules.catalog import RULES
from framelabel.rules.evaluate import evaluate
from framelabel.store.documents import Document
from framelabel.store.project import Project
from framelabel.store.runs import Run
from framelabel.workflows.find_events import Watch, find_events, scene_of

DOCUMENT = "plugin"
"""Kind of the project's document that names the plugin folder the page works on."""
_CHANGED_HERE = frozenset({"classes", "zones", "rules", "review"})
_CHANGED_OF_MODEL = frozenset({"score_threshold", "class_thresholds", "nms_iou"})
"""What the form may change. Files, addresses and code of a plugin are the business of whoever can edit its files."""
_NOT_COPIED = ("models", "samples", "__pycache__", "*.onnx", "*.bak")


def plugin_of(project: Project, named: str = "") -> Path | None:
    """Return the folder of the plugin that a project is labelled with; None where that is not known.

    It is the one that is named; else the one that the page saved for this project; else the one of the newest
    detection run, when it is known by name.
    """
    if named:
        return plugins.load(named).folder
    saved = project.document(DOCUMENT, "")
    if saved is not None and (Path(saved.content.decode()) / MANIFEST).is_file():
        return Path(saved.content.decode())
    for run in reversed(project.runs()):
        folder = known_plugins().get(str(run.config.get("plugin", ""))) if run.kind == "detect" else None
        if folder is not None:
            return folder
    return None


def rule_kinds() -> dict[str, list[dict[str, str]]]:
    """Return the settings of every kind of rule: name, kind of value ("number", "flag", "text", "names") and help."""
    return {
        kind: [
            {"name": field.name, "value": _kind_of(types[field.name]), "help": field.metadata.get("help", "")}
            for field in dataclasses.fields(RULES.load(kind).Options)
        ]
        for kind in RULES
        for types in [field_types(RULES.load(kind).Options)]
    }


def _kind_of(annotation: Any) -> str:
    kinds = {annotation, *get_args(annotation)}
    if bool in kinds:
        return "flag"
    if kinds & {int, float}:
        return "number"
    return "text" if annotation is str else "names"


class PluginForm:
    """One plugin folder, open on the page."""

    def __init__(self, folder: Path) -> None:
        """Open the plugin of a folder.

        Raises:
            InvalidManifestError: its plugin.yaml is wrong.
        """
        plugins.load(folder)
        self.folder = folder.resolve()
        self._looking = threading.Lock()
        self._built: tuple[bytes, plugins.Plugin] | None = None

    @property
    def file(self) -> Path:
        """The plugin.yaml."""
        return self.folder / MANIFEST

    @property
    def is_own(self) -> bool:
        """Whether the folder belongs to the user: plugins that came with framelabel are copied, not changed."""
        return bundled_folder().resolve() not in self.folder.parents and os.access(self.folder, os.W_OK)

    def state(self) -> dict[str, Any]:
        """Return the values, a digest of the text they stand in, and what else the form needs."""
        text = self.file.read_text("utf-8")
        manifest = check_text(text, self.folder)
        return {
            "name": manifest.name,
            "title": manifest.title,
            "file": str(self.file),
            "is_own": self.is_own,
            "digest": _digest(text),
            "values": plain(parse(text, MANIFEST).values),
            "defaults": manifest.model_dump(mode="json", include={"review": True, "model": {"score_threshold"}}),
            "rule_kinds": rule_kinds(),
            "consensus": list(CONSENSUS),
        }

    def checked(self, values: Mapping[str, Any]) -> tuple[str, Manifest]:
        """Return the text that a save would write, and its manifest.

        Raises:
            InvalidManifestError: the values are no valid plugin; the message says what and where.
            UsageError: a value is changed that the form does not show.
        """
        before = plain(parse(self.file.read_text("utf-8"), MANIFEST).values)
        foreign = [
            *(f"model.{key}" for key in _differing(before["model"], values.get("model")) - _CHANGED_OF_MODEL),
            *(_differing(before, values) - _CHANGED_HERE - {"model"}),
        ]
        if foreign:
            raise UsageError(f"the page does not change {', '.join(sorted(foreign))}; edit {self.file}")
        text = edited(self.file.read_text("utf-8"), values, MANIFEST)
        return text, check_text(text, self.folder)

    def preview(self, values: Mapping[str, Any], ref: FrameRef, image: NDArray[np.uint8]) -> list[dict[str, Any]]:
        """Return what the plugin with these values sees in one (H, W, 3) RGB picture, best first.

        Each box has `class`, `colour`, `score`, `xyxy` in pixels, and the names of the zones it stands in.
        """
        _, manifest = self.checked(values)
        with self._looking:
            plugin = self._plugin(manifest)
            boxes = plugin.hook(plugin.detector([image])[0], Frame(ref, image).ref)
        size = (image.shape[1], image.shape[0])
        inside = {name: zone.contains(boxes.xyxy, size) for name, zone in zones_of(manifest).items()}
        found = []
        for row in range(len(boxes)):
            spec = plugin.ontology.classes[boxes.class_id[row]]
            found.append(
                {
                    "class": spec.name,
                    "colour": spec.colour or "#{:02x}{:02x}{:02x}".format(*colour_of(spec.name)),
                    "score": round(float(boxes.score[row]), 3),
                    "xyxy": boxes.xyxy[row].round(2).tolist(),
                    "zones": [name for name, is_inside in inside.items() if is_inside[row]],
                }
            )
        return sorted(found, key=lambda item: -item["score"])

    def events(self, values: Mapping[str, Any], project: Project, video: Video) -> dict[str, int]:
        """Return how many events each rule with these values finds in the stored labels of a video."""
        _, manifest = self.checked(values)
        watch, run = _watch(manifest), _looked_at(project, video)
        if run is None:
            return {}
        counts = Counter(event.rule for event in evaluate(watch.rules, scene_of(project, video, run, watch)))
        return {rule.options.name: counts[rule.options.name] for rule in watch.rules}

    def store_events(self, project: Project, video: Video) -> int:
        """Evaluate the saved rules on a video's labels in place of what this plugin's rules found before.

        Raises:
            UsageError: the project does not say at which frames a model looked.
        """
        manifest = plugins.load(self.folder)
        run = _looked_at(project, video)
        if run is None:
            raise UsageError(
                f"{video.name} was not labelled by a model; rules need to know which frames were looked at"
            )
        return len(find_events(project, video, run, _watch(manifest), {"plugin": manifest.name}, SILENT))

    def save(self, values: Mapping[str, Any], digest: str, project: Project) -> PluginForm:
        """Write the values; what was there before is kept beside it as plugin.yaml.bak.

        A plugin that came with framelabel is copied beside the project first and changed there; its model stays
        where it is. Returns the form of the plugin that was written.

        Args:
            values: all values of the plugin.yaml.
            digest: that of the text the values were read from.
            project: remembers which folder it is labelled with.

        Raises:
            InvalidManifestError: the values are no valid plugin; nothing is written.
            UsageError: somebody else has changed the file since; nothing is written.
        """
        if _digest(self.file.read_text("utf-8")) != digest:
            raise UsageError(
                f"{self.file} has changed since the page read it; load the page again, nothing was written"
            )
        text, manifest = self.checked(values)
        form = self
        if self.is_own:
            shutil.copy2(self.file, self.file.with_suffix(".yaml.bak"))
            _write(self.file, text)
        else:
            folder = project.path.absolute().parent / f"{manifest.name}-{project.path.stem}"
            if (folder / MANIFEST).exists():
                raise UsageError(f"{folder} exists already; open it with `framelabel review --plugin {folder}`")
            _copy(self.folder, folder, text, values, manifest)
            form = PluginForm(folder)
        project.put_document(Document(DOCUMENT, "", "text/plain", str(form.folder).encode()))
        return form

    def _plugin(self, manifest: Manifest) -> plugins.Plugin:
        """Return the plugin with its model loaded; the last one is kept while only zones and rules change."""
        key = orjson.dumps(manifest.model_dump(mode="json", include={"model", "classes", "hook"}))
        if self._built is None or self._built[0] != key:
            self._built = (key, plugins.build(manifest, device="cpu", workers=1))
        return self._built[1]


def _differing(before: Mapping[str, Any], after: object) -> set[str]:
    """Return the keys whose values differ, or that only one of the two has."""
    if not isinstance(after, Mapping):
        return set(before)
    missing = object()
    return {str(key) for key in before.keys() | after.keys() if before.get(key, missing) != after.get(key, missing)}


def _watch(manifest: Manifest) -> Watch:
    return Watch(rules_of(manifest), zones_of(manifest), lines_of(manifest))


def _looked_at(project: Project, video: Video) -> Run | None:
    """Return the newest finished detection run of a video."""
    runs = [run for run in project.runs() if run.kind == "detect" and run.video_id == video.id and run.is_finished]
    return runs[-1] if runs else None


def _copy(source: Path, target: Path, text: str, values: Mapping[str, Any], manifest: Manifest) -> None:
    """Make a plugin folder of its own that takes its model from the plugin it was copied from."""
    model = {key: value for key, value in values["model"].items() if key not in ("file", "digest", "url", "source")}
    own = {key: value for key, value in values.items() if key != "samples"}
    own["model"] = model if "of_plugin" in model else {"of_plugin": manifest.name, **model}
    written = edited(text, own, MANIFEST)
    partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        shutil.copytree(source, partial, ignore=shutil.ignore_patterns(*_NOT_COPIED), dirs_exist_ok=True)
        (partial / MANIFEST).write_text(written, "utf-8")
        plugins.load(partial)
        partial.chmod(0o755)
        partial.rename(target)
    except (FramelabelError, OSError):
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _write(path: Path, text: str) -> None:
    """Write a file beside its target and put it in its place only when it is complete."""
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}.", encoding="utf-8", delete=False
    ) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    shutil.copymode(path, file.name)
    Path(file.name).replace(path)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
