-- A table that was made in the window gets rows by EXCHANGE PARTITION, of which no event tells. Its definition stays, and once it
-- is emptied it is known again.
-- refused: shop.x: its rows changed places with those of a partition
CREATE DATABASE shop;
CREATE TABLE shop.x (id INT PRIMARY KEY, v INT);
INSERT INTO shop.x VALUES (1, 1), (2, 2);
-- baseline
CREATE TABLE shop.e (id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (100));
ALTER TABLE shop.e EXCHANGE PARTITION p0 WITH TABLE shop.x;
-- point
TRUNCATE TABLE shop.e;
INSERT INTO shop.e VALUES (3, 3);
-- point
