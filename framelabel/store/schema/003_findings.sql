-- What a model says beyond boxes: exact shapes of detections, and tags of whole frames.
ALTER TABLE detections ADD COLUMN shape TEXT NOT NULL DEFAULT '';  -- JSON, "" for a plain box

CREATE TABLE detected_tags (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES runs (id),
  frame INTEGER NOT NULL,
  class_id INTEGER NOT NULL,
  score REAL NOT NULL
) STRICT;
CREATE INDEX detected_tags_by_frame ON detected_tags (run_id, frame);

-- Which reader makes pictures of the footage; "auto" goes by what the file is.
ALTER TABLE videos ADD COLUMN reader TEXT NOT NULL DEFAULT 'auto';
