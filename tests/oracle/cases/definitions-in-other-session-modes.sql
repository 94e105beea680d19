-- What a statement makes depends on what its session had set: the schema file sets the same around it.
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, a VARCHAR(9), b VARCHAR(9));
INSERT INTO shop.t VALUES (1, '3', '0'), (2, '1', '0');
CREATE TABLE shop.n (id INT PRIMARY KEY, a INT NOT NULL);
INSERT INTO shop.n VALUES (1, 0), (2, 5);
-- baseline
SET SESSION sql_mode = 'PIPES_AS_CONCAT';
ALTER TABLE shop.t ADD COLUMN ab VARCHAR(20) AS (a || b) VIRTUAL;
INSERT INTO shop.t (id, a, b) VALUES (3, '1', '1');
-- point
SET SESSION sql_mode = 'ANSI_QUOTES,HIGH_NOT_PRECEDENCE,NO_BACKSLASH_ESCAPES';
ALTER TABLE shop.n ADD COLUMN "d" INT AS (NOT a BETWEEN -5 AND 5) STORED, ADD COLUMN c VARCHAR(9) DEFAULT '\', COMMENT = 'it''s \';
INSERT INTO shop.n (id, a) VALUES (3, 7);
CREATE TABLE shop.m ("id" INT PRIMARY KEY, b VARCHAR(9) DEFAULT 'a\n');
INSERT INTO shop.m (id) VALUES (1);
SET SESSION sql_mode = 'IGNORE_SPACE';
ALTER TABLE shop.t ADD COLUMN u VARCHAR(20) AS (upper (a)) VIRTUAL;
SET SESSION sql_mode = DEFAULT;
ALTER TABLE shop.t ADD COLUMN o VARCHAR(20) AS (a || b) VIRTUAL;
-- point
SET SESSION sql_mode = 'NO_ZERO_DATE,NO_ZERO_IN_DATE,STRICT_ALL_TABLES';
ALTER TABLE shop.t ADD COLUMN z DATE DEFAULT '2020-01-31' AFTER id;
SET SESSION explicit_defaults_for_timestamp = 0;
CREATE TABLE shop.s (id INT PRIMARY KEY, a TIMESTAMP, b TIMESTAMP NULL);
INSERT INTO shop.s (id, a) VALUES (1, '2020-01-31 12:00:00');
SET SESSION explicit_defaults_for_timestamp = 1;
CREATE TABLE shop.e (id INT PRIMARY KEY, a TIMESTAMP);
INSERT INTO shop.e VALUES (1, NULL), (2, '2020-01-31 12:00:00');
UPDATE shop.s SET a = '2021-01-31 12:00:00';
-- point
