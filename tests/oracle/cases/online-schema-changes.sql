-- The statements that gh-ost and pt-online-schema-change issue: a copy, rows into it, names exchanged, the old table dropped.
CREATE DATABASE shop;
CREATE TABLE shop.g (id INT PRIMARY KEY, v INT);
CREATE TABLE shop.p (id INT PRIMARY KEY, v INT);
INSERT INTO shop.g VALUES (1, 1), (2, 2), (3, 3);
INSERT INTO shop.p VALUES (1, 1), (2, 2), (3, 3);
-- baseline
CREATE /* gh-ost */ TABLE shop._g_gho LIKE shop.g;
ALTER /* gh-ost */ TABLE shop._g_gho ADD COLUMN w VARCHAR(10) NOT NULL DEFAULT 'new', ENGINE = InnoDB;
INSERT /* gh-ost */ IGNORE INTO shop._g_gho (id, v) SELECT id, v FROM shop.g;
UPDATE shop.g SET v = 20 WHERE id = 2;
REPLACE /* gh-ost */ INTO shop._g_gho (id, v) VALUES (2, 20);
-- point
RENAME /* gh-ost */ TABLE shop.g TO shop._g_del, shop._g_gho TO shop.g;
UPDATE shop.g SET w = 'x' WHERE id = 1;
-- point
DROP TABLE IF EXISTS shop._g_del;
CREATE TABLE shop._p_new (id INT PRIMARY KEY, v INT);
ALTER TABLE shop._p_new MODIFY v BIGINT, ADD KEY (v);
INSERT LOW_PRIORITY IGNORE INTO shop._p_new (id, v) SELECT id, v FROM shop.p LOCK IN SHARE MODE;
DELETE FROM shop.p WHERE id = 3;
DELETE IGNORE FROM shop._p_new WHERE id <=> 3;
RENAME TABLE shop.p TO shop._p_old, shop._p_new TO shop.p;
DROP TABLE IF EXISTS shop._p_old;
INSERT INTO shop.p VALUES (4, 5000000000);
-- point
