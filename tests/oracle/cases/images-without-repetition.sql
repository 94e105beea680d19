-- FULL_NODUP, since MariaDB 11.4: of an update the row before it is whole, and the row behind it has only what was set.
-- server: mariadb-11.8
CREATE DATABASE shop;
USE shop;
CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20) DEFAULT 'b', c BLOB, d INT AS (a + 1) STORED, e TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, f VECTOR(2), g JSON);
CREATE TABLE keyless (a INT, b VARCHAR(20), c FLOAT, d DOUBLE);
CREATE TABLE by_unique (k VARCHAR(10) NOT NULL, v INT, w TEXT, UNIQUE KEY (k));
CREATE TABLE parent (id INT PRIMARY KEY, v INT, w INT);
CREATE TABLE child (id INT PRIMARY KEY, p INT, v INT, FOREIGN KEY (p) REFERENCES parent (id) ON UPDATE CASCADE ON DELETE SET NULL);
CREATE TABLE audited (id INT PRIMARY KEY, a INT, b INT, c INT DEFAULT 7);
CREATE TABLE audit (n INT AUTO_INCREMENT PRIMARY KEY, id INT, was INT);
CREATE TRIGGER other BEFORE UPDATE ON audited FOR EACH ROW SET NEW.c = OLD.c + 1;
CREATE TRIGGER log AFTER UPDATE ON audited FOR EACH ROW INSERT INTO audit (id, was) VALUES (OLD.id, OLD.a);
INSERT INTO t (id, a, c, f, g) VALUES (1, 1, 'x', VEC_FromText('[1,2]'), '{"a": 1}'), (2, 2, NULL, NULL, NULL), (3, 3, 'z', NULL, '[]'), (4, 4, 'y', NULL, '1');
INSERT INTO keyless VALUES (1, 'a', 1.5, 0.1), (1, 'a', 1.5, 0.1), (2, 'b', 2.5, 0.2);
INSERT INTO by_unique VALUES ('a', 1, 'one'), ('b', 2, 'two');
INSERT INTO parent VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3);
INSERT INTO child VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3);
INSERT INTO audited VALUES (1, 1, 1, 1), (2, 2, 2, 2);
-- baseline
SET SESSION binlog_row_image = FULL_NODUP, binlog_annotate_row_events = OFF;
UPDATE t SET a = 10 WHERE id = 1;
UPDATE t SET f = VEC_FromText('[3,4]'), g = JSON_SET(COALESCE(g, '{}'), '$.b', 2) WHERE id < 3;
UPDATE t SET id = id + 10 ORDER BY id DESC;
UPDATE t SET b = 'new', c = NULL WHERE id = 13;
INSERT INTO t (id, a) VALUES (12, 1) ON DUPLICATE KEY UPDATE c = 'again', b = VALUES(a);
REPLACE INTO t (id, a) VALUES (14, 40), (15, 50);
DELETE FROM t WHERE id = 11;
UPDATE keyless SET b = 'c' LIMIT 1;
UPDATE keyless SET c = 3.5 WHERE a = 2;
DELETE FROM keyless WHERE a = 1 LIMIT 1;
UPDATE by_unique SET v = 7 WHERE k = 'a';
UPDATE by_unique SET k = 'c' WHERE k = 'b';
REPLACE INTO by_unique VALUES ('a', 8, 'three');
UPDATE parent SET v = 9 WHERE id = 1;
UPDATE parent SET id = 20 WHERE id = 2;
DELETE FROM parent WHERE id = 3;
UPDATE audited SET b = 5 WHERE id = 1;
UPDATE audited JOIN parent ON audited.id = parent.id SET audited.a = 6, parent.w = 6;
-- point
SET SESSION binlog_row_image = MINIMAL, binlog_annotate_row_events = ON;
UPDATE t SET b = 'minimal' WHERE id = 12;
SET SESSION binlog_row_image = FULL_NODUP, binlog_annotate_row_events = OFF;
UPDATE t SET b = 'whole' WHERE id = 12;
ALTER TABLE t ADD COLUMN h INT DEFAULT 5 AFTER id, MODIFY COLUMN a BIGINT;
UPDATE t SET a = 11 WHERE id = 13;
SET GLOBAL log_bin_compress = ON, GLOBAL log_bin_compress_min_len = 10;
UPDATE t SET c = REPEAT('long ', 100) WHERE id = 14;
SET GLOBAL log_bin_compress = OFF;
-- point
