-- A page that got no answer sends its edit again under the same name: it is done once.
ALTER TABLE edits ADD COLUMN request TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX edits_by_request ON edits (author, request) WHERE request != '';
