"""One file per thing that is read off the pixels of tracked objects: codes, team colours, lights, visibility."""
