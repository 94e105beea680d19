-- A partition that was exchanged, in a table that is emptied later: its definition needs no other table.
CREATE DATABASE shop;
CREATE TABLE shop.p (id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE);
INSERT INTO shop.p VALUES (1, 1), (20, 2);
-- baseline
CREATE TABLE shop.other (id INT PRIMARY KEY, v INT);
INSERT INTO shop.other VALUES (2, 2);
ALTER TABLE shop.p EXCHANGE PARTITION p0 WITH TABLE shop.other;
ALTER TABLE shop.p TRUNCATE PARTITION p1;
-- point
TRUNCATE TABLE shop.p;
DROP TABLE shop.other;
INSERT INTO shop.p VALUES (3, 3), (30, 4);
-- point
