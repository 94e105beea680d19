-- Values of generated columns are not in a dump: a row whose key has one is known by all that is.
-- server: mysql
CREATE DATABASE shop;
CREATE TABLE shop.t (a INT NOT NULL, b INT AS (a * 2) STORED NOT NULL, c VARCHAR(9), UNIQUE KEY (b));
CREATE TABLE shop.p (a INT NOT NULL, b INT AS (a + 1) STORED, c VARCHAR(9), PRIMARY KEY (b));
INSERT INTO shop.t (a, c) VALUES (1, 'x'), (2, 'y'), (3, NULL);
INSERT INTO shop.p (a, c) VALUES (1, 'x'), (2, 'y'), (3, NULL);
-- baseline
UPDATE shop.t SET c = 'z' WHERE b = 4;
UPDATE shop.p SET a = a + 10 WHERE b = 2;
DELETE FROM shop.t WHERE a = 1;
DELETE FROM shop.p WHERE c IS NULL;
INSERT INTO shop.t (a, c) VALUES (9, 'n');
-- point
