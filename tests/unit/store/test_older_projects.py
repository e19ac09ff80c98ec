from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from framelabel.core.ontology import ClassSpec, Ontology
from framelabel.store.migrations import APPLICATION_ID, migrations
from framelabel.store.project import Project

_JOINTS = ClassSpec("person", keypoints=("head", "hip"), skeleton=((0, 1),))


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A project as it was before classes had joints (schema 4), with two classes."""
    path = tmp_path / "old.framelabel"
    connection = sqlite3.connect(path)
    for number, script in migrations()[:4]:
        connection.executescript(f"{script}; PRAGMA user_version = {number};")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for row, name in enumerate(("car", "person")):
        connection.execute("INSERT INTO classes VALUES (?, ?, 'thing', '#00ff00', '[]')", (row, name))
    connection.commit()
    connection.close()
    return path


@pytest.mark.parametrize("write", [False, True], ids=["to-read", "to-write"])
def test_classes_of_an_older_project_have_no_joints(older: Path, write: bool) -> None:
    """A project made before joints had names opens with the classes that it has."""
    with Project(older, write=write) as project:
        found = project.ontology
    assert found == Ontology(tuple(ClassSpec(name, "thing", "#00ff00") for name in ("car", "person")))


def test_joints_are_named_once(older: Path) -> None:
    """A class that has no joints takes names from labels imported later, keeps all else, and keeps its first names."""
    with Project(older, write=True) as project:
        project.extend_ontology(Ontology((_JOINTS,)))
        project.extend_ontology(Ontology((ClassSpec("person", "human", keypoints=("other",)), ClassSpec("dog"))))
    with Project(older) as project:
        found = project.ontology
    person = ClassSpec("person", "thing", "#00ff00", keypoints=_JOINTS.keypoints, skeleton=_JOINTS.skeleton)
    assert found == Ontology((ClassSpec("car", "thing", "#00ff00"), person, ClassSpec("dog")))
