-- Rows that are there several times, and a unique NOT NULL key in place of a primary one.
CREATE DATABASE shop;
CREATE TABLE shop.plain (a INT, b VARCHAR(10));
CREATE TABLE shop.kept (a INT NOT NULL, b VARCHAR(10), UNIQUE KEY (a));
CREATE TABLE shop.loose (a INT, b VARCHAR(10), UNIQUE KEY (a));
INSERT INTO shop.plain VALUES (1, 'x'), (1, 'x'), (1, 'x'), (NULL, NULL), (NULL, NULL), (2, '');
INSERT INTO shop.kept VALUES (1, 'x'), (2, 'y'), (3, NULL);
INSERT INTO shop.loose VALUES (NULL, 'x'), (NULL, 'x'), (1, 'y');
-- baseline
DELETE FROM shop.plain WHERE a = 1 LIMIT 1;
UPDATE shop.plain SET b = 'z' WHERE a IS NULL LIMIT 1;
UPDATE shop.kept SET a = a + 10 WHERE a > 1;
DELETE FROM shop.loose WHERE a IS NULL LIMIT 1;
-- point
INSERT INTO shop.plain VALUES (1, 'x'), (2, ''), (2, NULL);
DELETE FROM shop.kept WHERE a = 1;
UPDATE shop.loose SET a = 7 WHERE a = 1;
-- point
DELETE FROM shop.plain;
-- point
