-- A table of the baseline gets the name of one that is made behind it, and the new one the old name.
CREATE DATABASE shop;
CREATE TABLE shop.a (id INT PRIMARY KEY);
CREATE TABLE shop.b (id INT PRIMARY KEY);
INSERT INTO shop.a VALUES (1);
INSERT INTO shop.b VALUES (2);
-- baseline
CREATE TABLE shop.c LIKE shop.a;
RENAME TABLE shop.c TO shop.x, shop.b TO shop.c, shop.x TO shop.b;
-- point
