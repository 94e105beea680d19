-- EXCHANGE, TRUNCATE and DROP of a partition move rows without an event for them: the tables are refused, others go on.
-- refused: shop.t: rows come or go
-- refused: shop.d: rows come or go
-- refused: shop.e: rows come or go
-- refused: shop.x: its rows changed places with those of a partition
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE);
CREATE TABLE shop.d LIKE shop.t;
CREATE TABLE shop.e LIKE shop.t;
CREATE TABLE shop.k LIKE shop.t;
CREATE TABLE shop.x (id INT PRIMARY KEY);
CREATE TABLE shop.o (id INT PRIMARY KEY);
INSERT INTO shop.t VALUES (1), (11);
INSERT INTO shop.d VALUES (1), (11);
INSERT INTO shop.e VALUES (1), (11);
INSERT INTO shop.k VALUES (1), (11);
INSERT INTO shop.x VALUES (2);
INSERT INTO shop.o VALUES (3);
-- baseline
ALTER TABLE shop.t TRUNCATE PARTITION p0;
ALTER TABLE shop.d DROP PARTITION p0;
ALTER TABLE shop.e EXCHANGE PARTITION p0 WITH TABLE shop.x;
ALTER TABLE shop.k REORGANIZE PARTITION p1 INTO (PARTITION p1 VALUES LESS THAN (20), PARTITION p2 VALUES LESS THAN MAXVALUE);
INSERT INTO shop.t VALUES (5);
INSERT INTO shop.k VALUES (25);
INSERT INTO shop.o VALUES (4);
-- point
