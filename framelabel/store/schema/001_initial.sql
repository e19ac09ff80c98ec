-- One video or image folder, with the facts measured by decoding it.
CREATE TABLE videos (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  path TEXT NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  frame_count INTEGER NOT NULL,
  time_base_numerator INTEGER NOT NULL,
  time_base_denominator INTEGER NOT NULL,
  fps_numerator INTEGER NOT NULL,
  fps_denominator INTEGER NOT NULL
) STRICT;

-- Every picture of a video: little-endian arrays, one entry per picture in presentation order.
CREATE TABLE frame_indices (
  video_id INTEGER PRIMARY KEY REFERENCES videos (id),
  pts BLOB NOT NULL,
  is_sync BLOB NOT NULL,
  digest BLOB NOT NULL
) STRICT;

CREATE TABLE classes (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  supercategory TEXT NOT NULL,
  colour TEXT NOT NULL,
  attributes TEXT NOT NULL
) STRICT;

CREATE TABLE frame_attribute_specs (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  spec TEXT NOT NULL
) STRICT;

-- One execution over one video. `key` is the digest of everything that decides its result.
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  video_id INTEGER REFERENCES videos (id),
  key TEXT NOT NULL,
  config TEXT NOT NULL,
  facts TEXT NOT NULL,
  frames BLOB NOT NULL,
  done_count INTEGER NOT NULL,
  started_at TEXT NOT NULL,
  finished_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX runs_by_key ON runs (kind, key);

-- What a model saw, before any identity. Never deleted: what a tracker leaves out stays as a candidate.
CREATE TABLE detections (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES runs (id),
  frame INTEGER NOT NULL,
  class_id INTEGER NOT NULL,
  x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL,
  score REAL NOT NULL
) STRICT;
CREATE INDEX detections_by_frame ON detections (run_id, frame);

-- The stored facts. Append-only: a correction names the row that it supersedes.
CREATE TABLE annotations (
  id INTEGER PRIMARY KEY,
  video_id INTEGER NOT NULL REFERENCES videos (id),
  frame INTEGER NOT NULL,
  class_id INTEGER NOT NULL,
  track_id INTEGER NOT NULL,
  x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL,
  score REAL,                          -- NULL where the source states none
  visible REAL,                        -- visible share; NULL where not stated
  flags INTEGER NOT NULL,              -- bits of framelabel.core.labels.Flag
  visibility INTEGER NOT NULL,
  uncertainty REAL NOT NULL,
  origin TEXT NOT NULL,
  author TEXT NOT NULL,
  run_id INTEGER NOT NULL,
  parents TEXT NOT NULL,               -- JSON array of annotation ids
  attributes TEXT NOT NULL,            -- JSON object
  shape TEXT NOT NULL,                 -- JSON, "" for a plain box
  supersedes INTEGER NOT NULL,
  is_deleted INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  edit_id INTEGER NOT NULL DEFAULT 0   -- the person's change that it belongs to; 0 for none
) STRICT;
CREATE INDEX annotations_by_frame ON annotations (video_id, frame);
CREATE INDEX annotations_by_track ON annotations (video_id, track_id, frame) WHERE track_id >= 0;
CREATE INDEX annotations_by_superseded ON annotations (supersedes) WHERE supersedes > 0;

CREATE INDEX annotations_by_edit ON annotations (edit_id) WHERE edit_id > 0;

-- What people change, each one step of undo. state: 0 done, 1 undone (can be redone), 2 undone for good.
CREATE TABLE edits (
  id INTEGER PRIMARY KEY,
  video_id INTEGER NOT NULL REFERENCES videos (id),
  author TEXT NOT NULL,
  title TEXT NOT NULL,
  start INTEGER NOT NULL,
  stop INTEGER NOT NULL,
  state INTEGER NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX edits_by_author ON edits (author, state, id);

-- Rows of an undone edit neither show nor supersede.
CREATE VIEW current_annotations AS
SELECT * FROM annotations AS a
WHERE a.is_deleted = 0
  AND a.edit_id NOT IN (SELECT id FROM edits WHERE state > 0)
  AND NOT EXISTS (
    SELECT 1 FROM annotations AS newer
    WHERE newer.supersedes > 0 AND newer.supersedes = a.id
      AND newer.edit_id NOT IN (SELECT id FROM edits WHERE state > 0)
  );

CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  video_id INTEGER NOT NULL REFERENCES videos (id),
  run_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  rule TEXT NOT NULL,
  start INTEGER NOT NULL,
  stop INTEGER NOT NULL,
  actors TEXT NOT NULL,
  evidence_frame INTEGER NOT NULL,
  score REAL NOT NULL,
  needs_review INTEGER NOT NULL,
  attributes TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_video ON events (video_id, start);

CREATE TABLE tasks (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  video_id INTEGER NOT NULL REFERENCES videos (id),
  start INTEGER NOT NULL,
  stop INTEGER NOT NULL,
  track_id INTEGER NOT NULL,
  subject_id INTEGER NOT NULL,
  question TEXT NOT NULL,
  choices TEXT NOT NULL,
  priority REAL NOT NULL,
  answers_wanted INTEGER NOT NULL,
  reason TEXT NOT NULL,
  gold TEXT NOT NULL,
  is_closed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX tasks_by_priority ON tasks (is_closed, priority DESC, id);

CREATE TABLE answers (
  id INTEGER PRIMARY KEY,
  task_id INTEGER NOT NULL REFERENCES tasks (id),
  annotator TEXT NOT NULL,
  verdict TEXT NOT NULL,
  seconds REAL NOT NULL,
  content TEXT NOT NULL,
  answered_at TEXT NOT NULL
) STRICT;
CREATE INDEX answers_by_task ON answers (task_id);

-- Whole results kept with the project: routing decisions, quality curves, agreement, zones drawn on the page.
CREATE TABLE documents (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  content BLOB NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX documents_by_kind ON documents (kind, name, id);
