-- Joints of a class: their names, and the pairs of them (places from 0) that a skeleton connects; both JSON lists.
ALTER TABLE classes ADD COLUMN keypoints TEXT NOT NULL DEFAULT '[]';
ALTER TABLE classes ADD COLUMN skeleton TEXT NOT NULL DEFAULT '[]';
