-- Rows that come and go with partitions are in no event: the tables are refused by name, and the statement is told.
-- refused: shop.p: rows come or go with the partition that it exchanged
-- refused: shop.x: changed places
-- refused: shop.q: rows come or go with a partition
CREATE DATABASE shop;
CREATE TABLE shop.p (id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (10), PARTITION b VALUES LESS THAN (20));
CREATE TABLE shop.q (id INT PRIMARY KEY, v INT) PARTITION BY HASH (id) PARTITIONS 2;
CREATE TABLE shop.r (id INT PRIMARY KEY, v INT) PARTITION BY HASH (id) PARTITIONS 2;
CREATE TABLE shop.x (id INT PRIMARY KEY, v INT);
INSERT INTO shop.p VALUES (1, 1), (11, 11);
INSERT INTO shop.q VALUES (1, 1), (2, 2);
INSERT INTO shop.r VALUES (1, 1), (2, 2), (3, 3);
INSERT INTO shop.x VALUES (5, 5);
-- baseline
UPDATE shop.r SET v = 10 WHERE id = 1;
ALTER TABLE shop.r COALESCE PARTITION 1;
DELETE FROM shop.r WHERE id = 2;
ALTER TABLE shop.q TRUNCATE PARTITION p0;
ALTER TABLE shop.p EXCHANGE PARTITION a WITH TABLE shop.x;
-- point
