from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from framelabel.cli.main import application
from framelabel.core.errors import FramelabelError, InvalidLabelsError, UsageError
from framelabel.formats.catalog import FORMATS
from framelabel.workflows import convert, export, import_labels, validate

_MOT = "1,1,10,20,30,40,1,1,1\n1,2,5.5,6.25,7,8,1,1,0.5\n3,1,12,20,30,40,0,1,1\n"


@pytest.fixture
def sequence(tmp_path: Path) -> Path:
    """A MOTChallenge sequence of four frames, of which two have labels."""
    folder = tmp_path / "source" / "street one"
    (folder / "gt").mkdir(parents=True)
    (folder / "gt" / "gt.txt").write_text(_MOT)
    (folder / "seqinfo.ini").write_text(
        "[Sequence]\nname=street one\nimDir=img1\nframeRate=25\nseqLength=4\nimWidth=640\nimHeight=480\nimExt=.jpg\n"
    )
    return folder.parent


@pytest.mark.parametrize("name", ["coco", "mot", "cocovid", "parquet", "csv", "datumaro", "cvat_video", "bdd100k"])
def test_what_goes_into_a_project_comes_out_of_it(name: str, sequence: Path, tmp_path: Path) -> None:
    """Export -> import -> export through a project gives the same bytes as converting directly."""
    suffix = {"coco": ".json", "cocovid": ".json", "datumaro": ".json", "csv": ".csv", "parquet": ".parquet"}
    one, two = (tmp_path / f"{place}{suffix.get(name, '')}" for place in ("one", "two"))
    convert.run(convert.ConvertConfig(source=sequence, destination=one, to=name))
    project = tmp_path / "p.framelabel"
    summary = import_labels.run(import_labels.ImportConfig(project=project, source=one))
    assert (summary.labels, summary.frames) == (3, 4)
    export.run(export.ExportConfig(project=project, destination=two, to=name))
    files = sorted(path.relative_to(one) for path in one.rglob("*")) if one.is_dir() else [Path()]
    for file in files:
        if (one / file).is_file():
            assert (one / file).read_bytes() == (two / file).read_bytes(), file


def test_importing_the_same_labels_again_stores_nothing(sequence: Path, tmp_path: Path) -> None:
    """A repeated import is recognised by content, whatever the file is called."""
    config = import_labels.ImportConfig(project=tmp_path / "p.framelabel", source=sequence)
    assert import_labels.run(config).is_new
    assert not import_labels.run(config).is_new
    export.run(export.ExportConfig(project=config.project, destination=tmp_path / "o.json", to="coco"))
    assert len(json.loads((tmp_path / "o.json").read_text())["annotations"]) == 3


def test_still_pictures_keep_names_and_sizes_in_a_project(tmp_path: Path) -> None:
    """File names of single pictures survive import and export."""
    images = [{"id": 7, "file_name": "a b.png", "width": 9, "height": 8}, {"id": 3, "file_name": "c.jpg", "width": 4,
              "height": 4}]  # fmt: skip
    annotations = [{"id": 1, "image_id": 3, "category_id": 5, "bbox": [1, 1, 2.5, 2], "area": 5, "iscrowd": 0}]
    source = tmp_path / "set.json"
    content = {"images": images, "annotations": annotations, "categories": [{"id": 5, "name": "bolt"}]}
    source.write_text(json.dumps(content))
    import_labels.run(import_labels.ImportConfig(project=tmp_path / "p.framelabel", source=source))
    config = export.ExportConfig(project=tmp_path / "p.framelabel", destination=tmp_path / "o.json", to="coco")
    export.run(config)
    written = json.loads((tmp_path / "o.json").read_text())
    assert [(i["file_name"], i["width"]) for i in written["images"]] == [("a b.png", 9), ("c.jpg", 4)]
    assert written["annotations"][0]["bbox"] == [1.0, 1.0, 2.5, 2.0]


def _joints(count: int, **named: object) -> dict[str, object]:
    """Return a COCO file of one picture with one person of `count` joints; `named` goes into its category."""
    triples = [number for joint in range(count) for number in (10.0 + joint, 20.0 + joint, 2)]
    person = {"id": 1, "image_id": 3, "category_id": 5, "bbox": [1, 1, 60, 60], "area": 3600, "iscrowd": 0,
              "keypoints": triples, "num_keypoints": count}  # fmt: skip
    image = {"id": 3, "file_name": "c.jpg", "width": 64, "height": 64}
    return {"images": [image], "annotations": [person], "categories": [{"id": 5, "name": "runner", **named}]}


@pytest.mark.parametrize(
    ("count", "given", "keypoints", "skeleton"),
    [
        pytest.param(3, {"keypoints": ["head", "hip", "foot"], "skeleton": [[1, 2], [2, 3]]},
                     ["head", "hip", "foot"], [[1, 2], [2, 3]], id="named"),
        pytest.param(3, {"keypoints": ["head"]}, ["head", "point_2", "point_3"], [], id="too-few-names"),
        pytest.param(2, {}, ["point_1", "point_2"], [], id="unnamed"),
        pytest.param(2, {"keypoints": ["a", "b"], "skeleton": [[1, 2], [1, 9]]}, ["a", "b"], [],
                     id="skeleton-to-nowhere"),
        pytest.param(2, {"keypoints": 7}, ["point_1", "point_2"], [], id="names-are-no-list"),
    ],
)  # fmt: skip
def test_names_of_joints_survive_a_project(
    count: int, given: dict[str, object], keypoints: list[str], skeleton: list[list[int]], tmp_path: Path
) -> None:
    """COCO's names of joints and its skeleton go through a project, also one that knew the class without them."""
    source, project = tmp_path / "set.json", tmp_path / "p.framelabel"
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps({**_joints(0), "annotations": []}))
    import_labels.run(import_labels.ImportConfig(project=project, source=bare))
    source.write_text(json.dumps(_joints(count, **given)))
    import_labels.run(import_labels.ImportConfig(project=project, source=source))
    export.run(export.ExportConfig(project=project, destination=tmp_path / "o.json", to="coco"))
    written = json.loads((tmp_path / "o.json").read_text())
    (category,) = written["categories"]
    assert (category["keypoints"], category["skeleton"]) == (keypoints, skeleton)
    assert [len(label["keypoints"]) for label in written["annotations"]] == [3 * count]


def test_splits_never_tear_a_clip(sequence: Path, tmp_path: Path) -> None:
    """Neighbouring frames of one video are never in two splits; the split depends on the name only."""
    config = convert.ConvertConfig(
        source=sequence, destination=tmp_path / "out", to="mot", split="train=0.5,val=0.3,test=0.2"
    )
    summary = convert.run(config)
    assert len(summary.parts) == 1
    assert summary.parts[0][1].labels == 3


def test_losses_are_printed_and_written_beside(sequence: Path, tmp_path: Path) -> None:
    """A user sees what the target cannot hold, and finds it again in a file."""
    result = CliRunner().invoke(application, ["convert", str(sequence), str(tmp_path / "y"), "--to", "yolo"])
    assert result.exit_code == 0, result.output
    assert "lost: 3 x track id: dropped" in result.output
    assert "3 x track id: dropped" in (tmp_path / "y.losses.txt").read_text()


def test_a_folder_of_several_data_sets_is_told_apart(tmp_path: Path) -> None:
    """Where a folder is no data set as a whole, the message names the files below it that are some."""
    for split in ("train", "val"):
        (tmp_path / split).mkdir()
        (tmp_path / split / "labels.json").write_text(json.dumps({"images": [], "annotations": [], "categories": []}))
    with pytest.raises(InvalidLabelsError, match=r"train/labels.json \(coco\), val/labels.json \(coco\)"):
        convert.run(convert.ConvertConfig(source=tmp_path, destination=tmp_path / "o.csv", to="csv"))


def test_splits_of_one_folder_share_a_loss_report(tmp_path: Path) -> None:
    """Splits go into one YOLO folder one after the other; the file beside it lists the losses of both."""
    images = [{"id": n, "file_name": f"{n}.jpg", "width": 64, "height": 48} for n in range(1, 21)]
    given = {"bbox": [1, 2, 8, 8], "category_id": 1, "area": 64, "attributes": {"truncated": True}}
    labels = [{"id": n, "image_id": n, **given} for n in range(1, 21)]
    source = tmp_path / "set.json"
    source.write_text(json.dumps({"images": images, "annotations": labels, "categories": [{"id": 1, "name": "a"}]}))
    summary = convert.run(
        convert.ConvertConfig(source=source, destination=tmp_path / "y", to="yolo", split="train=0.5,val=0.5")
    )
    counts = [loss.losses["truncated"].count for _, loss in summary.parts]
    assert (len(counts), sum(counts)) == (2, 20)
    lines = (tmp_path / "y.losses.txt").read_text().splitlines()
    assert [f"{count} x truncated: dropped" for count in counts] == [line for line in lines if "truncated" in line]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"to": "cocoo"}, "Did you mean 'coco'?", id="unknown-format"),
        pytest.param({"to": "yolo", "option": ("splt=val",)}, "Did you mean 'split'?", id="unknown-option"),
        pytest.param({"to": "yolo", "task": "box"}, "one of detect, segment, obb, pose", id="unknown-task"),
        pytest.param({"to": "coco", "task": "det"}, "has no such option", id="option-of-none"),
        pytest.param({"to": "coco", "split": "train=x"}, "positive shares", id="bad-share"),
    ],
)
def test_a_wrong_request_names_the_right_one(
    arguments: dict[str, object], message: str, sequence: Path, tmp_path: Path
) -> None:
    """Usage errors name the nearest known name or the allowed values."""
    config = convert.ConvertConfig(source=sequence, destination=tmp_path / "o", **arguments)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=re.escape(message)):
        convert.run(config)


def test_validate_names_line_fault_and_fix(tmp_path: Path) -> None:
    """Each fault has its line; the faults that only other tools mind are named too."""
    (tmp_path / "seq" / "gt").mkdir(parents=True)
    (tmp_path / "seq" / "gt" / "gt.txt").write_text("1,1,10,10,5,5,1,1,1\n0,1,1,1,1,1,1,1,1\n2,1,a,1,1,1,1,1,1\n"
                                                    "1,1,50,50,5,5,1,1,1\n")  # fmt: skip
    summary = validate.run(validate.ValidateConfig(source=tmp_path))
    lines = list(summary.report.lines())
    assert any("line 2" in line and "frames start at 1" in line for line in lines)
    assert any("line 3" in line and "'a' is not a number" in line for line in lines)
    assert any("track is twice in one frame" in line for line in lines)
    assert summary.labels == 2


def test_frames_without_objects_do_not_stop_a_reader(tmp_path: Path) -> None:
    """X-AnyLabeling's importer stops at the first frame without objects (issue 1219); ours goes on."""
    file = tmp_path / "walk.txt"
    file.write_text("1,1,1,1,5,5,1,-1,-1,-1\n\n900,1,1,1,5,5,1,-1,-1,-1\n")
    labels, report = FORMATS.load("mot")().read(file)
    assert len(labels) == 2
    assert report.skipped == 0


def test_label_studio_rate_must_be_the_footage_rate(sequence: Path, tmp_path: Path) -> None:
    """Frame numbers made at another rate point at other pictures: refused in one line."""
    project = tmp_path / "p.framelabel"
    import_labels.run(import_labels.ImportConfig(project=project, source=sequence))
    convert.run(convert.ConvertConfig(source=sequence, destination=tmp_path / "ls.json", to="label_studio"))
    text = (tmp_path / "ls.json").read_text().replace('"framerate":25.0', '"framerate":30.0')
    (tmp_path / "ls.json").write_text(text)
    with pytest.raises(FramelabelError, match="numbered at 30 a second, street one has 25"):
        import_labels.run(import_labels.ImportConfig(project=project, source=tmp_path / "ls.json"))
