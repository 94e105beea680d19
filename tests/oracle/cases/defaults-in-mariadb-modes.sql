-- server: mariadb
-- Two of MariaDB's modes decide what a default is: an empty string that is NULL, and fractions that are rounded.
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, v INT);
INSERT INTO shop.t VALUES (1, 1), (2, 2);
-- baseline
SET SESSION sql_mode = 'EMPTY_STRING_IS_NULL';
ALTER TABLE shop.t ADD COLUMN e VARCHAR(9) DEFAULT '', ADD COLUMN m ENUM('', 'a') NOT NULL DEFAULT 'a' COMMENT '';
ALTER TABLE shop.t ADD COLUMN g VARCHAR(9) AS (CONCAT_WS('', id, 'x')) VIRTUAL;
CREATE TABLE shop.n (id INT PRIMARY KEY, e VARCHAR(9) DEFAULT '', f TEXT DEFAULT (CONCAT_WS('', 'a', 'b')), d DATETIME);
ALTER TABLE shop.n ADD COLUMN s VARCHAR(9) DEFAULT 'x', ALTER COLUMN s SET DEFAULT _utf8mb4'';
INSERT INTO shop.n (id) VALUES (1);
SET SESSION sql_mode = DEFAULT;
ALTER TABLE shop.t ADD COLUMN d VARCHAR(9) DEFAULT '';
INSERT INTO shop.t (id) VALUES (3);
UPDATE shop.t SET v = 5 WHERE id = 2;
-- point
SET SESSION sql_mode = 'TIME_ROUND_FRACTIONAL';
CREATE TABLE shop.r (id INT PRIMARY KEY, d DATETIME(2) DEFAULT '2024-02-29 23:59:59.999');
ALTER TABLE shop.n ALTER COLUMN d SET DEFAULT '2024-02-29 23:59:59.9';
SET SESSION sql_mode = '';
CREATE TABLE shop.c (id INT PRIMARY KEY, d DATETIME(2) DEFAULT '2024-02-29 23:59:59.999');
INSERT INTO shop.r (id) VALUES (1);
INSERT INTO shop.c (id) VALUES (1);
INSERT INTO shop.t (id) VALUES (4);
SET SESSION binlog_row_image = MINIMAL;
INSERT INTO shop.n (id, f, d) VALUES (2, '', NULL);
-- point
