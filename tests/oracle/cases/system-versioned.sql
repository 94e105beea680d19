-- Rows of the past are part of a system-versioned table, and no dump has them: refused once it changes.
-- server: mariadb
-- refused: shop.t: columns in the log
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING;
CREATE TABLE shop.other (id INT PRIMARY KEY, v INT);
INSERT INTO shop.t VALUES (1, 1);
INSERT INTO shop.other VALUES (1, 1);
-- baseline
UPDATE shop.other SET v = 2;
UPDATE shop.t SET v = 2;
-- point
