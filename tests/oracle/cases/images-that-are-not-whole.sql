-- What an image lacks is in the row as it was, in the before-image, or is the column's default.
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, a INT NOT NULL DEFAULT 5, b VARCHAR(20) DEFAULT 'bä', c TEXT, d BLOB NOT NULL, e ENUM('x', 'y') NOT NULL, f DECIMAL(6, 2) NOT NULL DEFAULT 1.5, g DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), h INT AS (a + 1) STORED, i INT AS (a + 2) VIRTUAL, j DATE NOT NULL, k BIT(3) NOT NULL DEFAULT b'101', l DOUBLE DEFAULT (1 + 1), m JSON);
CREATE TABLE shop.u (x INT NOT NULL, y INT NOT NULL, z TEXT, v INT DEFAULT 3, UNIQUE KEY second (y), UNIQUE KEY first (x));
CREATE TABLE shop.w (x INT, y INT DEFAULT 4, z VARCHAR(10) DEFAULT 'zz');
CREATE TABLE shop.n (a VARCHAR(10) NOT NULL DEFAULT 'none', b INT NOT NULL DEFAULT 2, c TEXT, PRIMARY KEY (a, b));
SET SESSION sql_mode = '';
INSERT INTO shop.t (id, a, c, d, m) VALUES (1, 1, 'one', 'd1', '{"a": 1}'), (2, 2, 'two', 'd2', NULL), (3, 3, 'three', 'd3', '[1]'), (4, 4, NULL, 'd4', '4'), (5, 5, 'five', 'd5', '5'), (6, 6, 'six', 'd6', '6');
INSERT INTO shop.u VALUES (1, 1, 'a', 1), (2, 2, 'b', 2), (3, 3, 'c', 3);
INSERT INTO shop.w VALUES (1, 1, 'a'), (1, 1, 'a'), (2, 2, 'b'), (NULL, NULL, NULL);
INSERT INTO shop.n VALUES ('x', 1, 'one'), ('y', 2, 'two');
-- baseline
SET SESSION binlog_row_image = MINIMAL;
UPDATE shop.t SET c = 'ONE' WHERE id = 1;
UPDATE shop.t SET a = a + 100 WHERE id <= 2;
UPDATE shop.t SET id = 20, b = NULL WHERE id = 2;
UPDATE shop.t SET c = 'moved' WHERE id = 20;
UPDATE shop.t SET id = 21 WHERE id = 20;
DELETE FROM shop.t WHERE id = 3;
INSERT INTO shop.t (id) VALUES (3);
INSERT INTO shop.t (id, c) VALUES (30, 'thirty'), (31, NULL);
UPDATE shop.t SET b = 'c''d\\e' WHERE id = 30;
-- point
UPDATE shop.t SET id = 40 WHERE id = 30;
UPDATE shop.t SET d = 'new' WHERE id IN (21, 40, 3);
INSERT INTO shop.t (id, a) VALUES (4, 9), (32, 9) ON DUPLICATE KEY UPDATE c = 'duplicate';
UPDATE shop.u SET z = 'A' WHERE x = 1;
UPDATE shop.u SET y = 10 WHERE x = 1;
UPDATE shop.u SET x = 11 WHERE y = 10;
DELETE FROM shop.u WHERE x = 2;
INSERT INTO shop.u (x, y) VALUES (4, 4);
UPDATE shop.w SET z = 'A' WHERE x = 1 LIMIT 1;
INSERT INTO shop.w (x) VALUES (7), (7);
UPDATE shop.w SET y = 8 WHERE x = 7 LIMIT 1;
DELETE FROM shop.w WHERE x = 2;
UPDATE shop.n SET b = 7 WHERE a = 'x';
UPDATE shop.n SET a = 'z' WHERE a = 'x';
UPDATE shop.n SET c = 'zz' WHERE a = 'z';
INSERT INTO shop.n (c) VALUES ('all defaults');
REPLACE INTO shop.n (a) VALUES ('y'), ('w');
REPLACE INTO shop.t (id, c) VALUES (6, 'replaced'), (33, 'new');
REPLACE INTO shop.u (x, y, z) VALUES (3, 4, 'two rows before');
-- Two keys change places.
UPDATE shop.t SET id = 999 WHERE id = 5;
UPDATE shop.t SET id = 5 WHERE id = 6;
UPDATE shop.t SET id = 6 WHERE id = 999;
UPDATE shop.t SET c = 'was five' WHERE id = 6;
-- point gtid
SET SESSION binlog_row_image = NOBLOB;
UPDATE shop.t SET a = a + 1000;
UPDATE shop.t SET c = 'text', m = '{"b": 2}' WHERE id = 1;
UPDATE shop.t SET id = 50 WHERE id = 1;
INSERT INTO shop.t (id, a) VALUES (1, 1);
DELETE FROM shop.t WHERE id = 31;
UPDATE shop.w SET z = 'NB' WHERE x = 7;
UPDATE shop.u SET v = v + 1;
-- point
ALTER TABLE shop.t ADD COLUMN n INT NOT NULL DEFAULT 77 FIRST, CHANGE c cc LONGTEXT, DROP COLUMN b;
SET SESSION binlog_row_image = MINIMAL;
UPDATE shop.t SET cc = 'altered' WHERE id IN (50, 21);
UPDATE shop.t SET n = 1 WHERE id = 50;
UPDATE shop.t SET id = 60 WHERE id = 4;
INSERT INTO shop.t (id) VALUES (61);
-- point
ALTER TABLE shop.t DROP PRIMARY KEY, ADD PRIMARY KEY (id, n);
UPDATE shop.t SET a = -1 WHERE id = 60;
SET SESSION binlog_row_image = FULL;
UPDATE shop.t SET n = n + 1 WHERE id IN (60, 61);
SET SESSION binlog_row_image = MINIMAL;
UPDATE shop.t SET a = -2 WHERE id IN (60, 61, 50);
UPDATE shop.t SET n = n + 1 WHERE id IN (60, 50);
DELETE FROM shop.t WHERE id = 21;
-- point
