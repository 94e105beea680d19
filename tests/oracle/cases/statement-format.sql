-- Rows that change by a statement and not by row events cannot be followed: the table is refused, the others are exact.
-- refused: shop.t: statement
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, v INT);
CREATE TABLE shop.other (id INT PRIMARY KEY, v INT);
INSERT INTO shop.t VALUES (1, 1);
INSERT INTO shop.other VALUES (1, 1);
-- baseline
UPDATE shop.other SET v = 2;
SET SESSION binlog_format = 'STATEMENT';
UPDATE shop.t SET v = v + 1;
-- point
