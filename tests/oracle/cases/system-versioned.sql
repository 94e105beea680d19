-- The rows of the past are not in a dump: a system-versioned table is refused where it changed, and copied where it did not.
-- server: mariadb
-- refused: shop.t: system-versioned
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING;
CREATE TABLE shop.u (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING;
CREATE TABLE shop.o (id INT PRIMARY KEY, v INT);
INSERT INTO shop.t VALUES (1, 1);
INSERT INTO shop.u VALUES (1, 1);
INSERT INTO shop.o VALUES (1, 1);
-- baseline
UPDATE shop.t SET v = 2;
UPDATE shop.o SET v = 2;
-- point
