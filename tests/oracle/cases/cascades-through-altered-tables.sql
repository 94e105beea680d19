-- server: mariadb
-- Foreign keys that come, go and change their columns' names between the changes of the parent.
CREATE DATABASE shop;
CREATE TABLE shop.p (id INT PRIMARY KEY, v INT);
CREATE TABLE shop.c (id INT PRIMARY KEY, p INT, v INT, CONSTRAINT f FOREIGN KEY (p) REFERENCES shop.p (id) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE shop.d (c INT, n INT, CONSTRAINT g FOREIGN KEY (c) REFERENCES shop.c (id) ON DELETE SET NULL);
INSERT INTO shop.p VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6);
INSERT INTO shop.c VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 4, 4), (5, 5, 5), (6, 6, 6);
INSERT INTO shop.d VALUES (1, 1), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6);
-- baseline
DELETE FROM shop.p WHERE id = 1;
ALTER TABLE shop.c ADD COLUMN w VARCHAR(10) NOT NULL DEFAULT 'w' FIRST;
UPDATE shop.p SET id = 20 WHERE id = 2;
-- point
ALTER TABLE shop.c CHANGE COLUMN p parent INT;
DELETE FROM shop.p WHERE id = 3;
UPDATE shop.c SET w = 'x' WHERE id = 4;
ALTER TABLE shop.p ADD COLUMN x INT FIRST, CHANGE COLUMN id pid INT;
UPDATE shop.p SET pid = 40 WHERE pid = 4;
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
ALTER TABLE shop.cc DROP PRIMARY KEY, ADD PRIMARY KEY (id, v);
DELETE FROM shop.q WHERE pid = 20;
DELETE FROM shop.cc WHERE id = 7;
-- point
