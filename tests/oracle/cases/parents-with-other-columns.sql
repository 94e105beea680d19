-- Foreign keys that come and go while their parents get other columns: no definition is loaded that lacks, for a moment, a column which another one wants.
CREATE DATABASE shop;
CREATE TABLE shop.p (id INT PRIMARY KEY, v INT);
CREATE TABLE shop.c (id INT PRIMARY KEY, p INT, v INT, CONSTRAINT f FOREIGN KEY (p) REFERENCES shop.p (id) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE shop.d (c INT, n INT, CONSTRAINT g FOREIGN KEY (c) REFERENCES shop.c (id) ON DELETE SET NULL);
CREATE TABLE shop.z (id INT PRIMARY KEY, up INT, CONSTRAINT zf FOREIGN KEY (up) REFERENCES shop.z (id));
INSERT INTO shop.p VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6);
INSERT INTO shop.c VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 4, 4), (5, 5, 5), (6, 6, 6);
INSERT INTO shop.d VALUES (1, 1), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6);
INSERT INTO shop.z VALUES (1, NULL), (2, 1);
-- baseline
DELETE FROM shop.p WHERE id = 1;
ALTER TABLE shop.c ADD COLUMN w VARCHAR(10) NOT NULL DEFAULT 'w' FIRST;
UPDATE shop.p SET id = 20 WHERE id = 2;
-- point
ALTER TABLE shop.c CHANGE COLUMN p parent INT;
DELETE FROM shop.p WHERE id = 3;
UPDATE shop.c SET w = 'x' WHERE id = 4;
ALTER TABLE shop.p ADD COLUMN x INT FIRST;
ALTER TABLE shop.p CHANGE COLUMN id pid INT NOT NULL;
UPDATE shop.p SET pid = 40 WHERE pid = 4;
ALTER TABLE shop.z RENAME COLUMN id TO zid, RENAME COLUMN up TO above;
-- point
ALTER TABLE shop.c DROP FOREIGN KEY f;
DELETE FROM shop.p WHERE pid = 5;
UPDATE shop.c SET parent = NULL WHERE parent = 5;
ALTER TABLE shop.c ADD CONSTRAINT f FOREIGN KEY (parent) REFERENCES shop.p (pid) ON DELETE SET NULL;
DELETE FROM shop.p WHERE pid = 6;
RENAME TABLE shop.p TO shop.q, shop.c TO shop.cc;
DELETE FROM shop.q WHERE pid = 40;
-- point
INSERT INTO shop.q VALUES (1, 7, 1);
INSERT INTO shop.cc VALUES ('n', 7, 7, 7);
INSERT INTO shop.d VALUES (7, 7);
ALTER TABLE shop.q ADD COLUMN o BIGINT, ADD UNIQUE KEY o (o);
CREATE TABLE shop.b (id INT PRIMARY KEY, o BIGINT, CONSTRAINT bo FOREIGN KEY (o) REFERENCES shop.q (o));
UPDATE shop.q SET o = 70 WHERE pid = 7;
INSERT INTO shop.b VALUES (1, 70);
-- point
DELETE FROM shop.q WHERE pid = 20;
ALTER TABLE shop.b DROP CONSTRAINT bo;
DELETE FROM shop.cc WHERE id = 7;
-- point
