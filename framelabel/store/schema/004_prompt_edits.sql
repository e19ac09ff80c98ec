-- A save looks at the rows that it concerns, not at the project: over a part of the rows alone (track_id >= 0), the
-- planner takes a range of all tracks instead of one of them.
DROP INDEX annotations_by_track;
CREATE INDEX annotations_by_track ON annotations (video_id, track_id, frame);

-- What is current asks which edits are undone; few are, however many there are.
CREATE INDEX edits_undone ON edits (id) WHERE state > 0;

-- What a person has answered is asked whenever they take a task.
CREATE INDEX answers_by_annotator ON answers (annotator, task_id);
