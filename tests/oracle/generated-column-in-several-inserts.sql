-- mydumper 0.10 names the columns in the first INSERT of a file only, which no client loads where one is generated; with
-- its usual statement size this happens from a megabyte of rows on.
-- server: mariadb
-- open: an unchanged table is copied as it is; a changed one is an error in the middle of the run, which the plan did not foretell
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, g INT AS (id + 1) STORED, v VARCHAR(100));
INSERT INTO shop.t (id, v) VALUES (1, REPEAT('a', 100)), (2, REPEAT('b', 100)), (3, REPEAT('c', 100)), (4, NULL);
-- baseline --statement-size 100
-- point
UPDATE shop.t SET v = 'x' WHERE id = 3;
-- point
