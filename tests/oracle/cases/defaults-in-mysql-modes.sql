-- server: mysql
-- A mode of MySQL decides what a default is: whether fractions are cut off or rounded.
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, v INT, d DATETIME);
INSERT INTO shop.t VALUES (1, 1, NULL), (2, 2, NULL);
-- baseline
SET SESSION sql_mode = 'TIME_TRUNCATE_FRACTIONAL';
CREATE TABLE shop.r (id INT PRIMARY KEY, d DATETIME(2) DEFAULT '2024-02-29 23:59:59.999');
ALTER TABLE shop.t ALTER COLUMN d SET DEFAULT '2024-02-29 23:59:59.9';
SET SESSION sql_mode = '';
CREATE TABLE shop.c (id INT PRIMARY KEY, d DATETIME(2) DEFAULT '2024-02-29 23:59:59.999');
INSERT INTO shop.r (id) VALUES (1);
INSERT INTO shop.c (id) VALUES (1);
INSERT INTO shop.t (id) VALUES (4);
UPDATE shop.t SET v = 5 WHERE id = 2;
-- point
