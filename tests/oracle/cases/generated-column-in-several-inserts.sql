-- mydumper 0.10 names the columns in the first INSERTs of a file only, which no client loads where one is generated; with
-- its usual statement size this happens from a megabyte of rows on.
-- server: mariadb
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, g INT AS (id + 1) STORED, v VARCHAR(500));
INSERT INTO shop.t (id, v) VALUES (1, REPEAT('a', 300)), (2, REPEAT('b', 20)), (3, REPEAT('c', 100)), (4, REPEAT('d', 100)), (5, REPEAT('e', 100));
-- baseline --statement-size 200
-- point
UPDATE shop.t SET v = 'x' WHERE id = 3;
-- point
