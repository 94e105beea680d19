-- MySQL gives tables without a key an invisible one of its own.
-- server: mysql
CREATE DATABASE shop;
SET SESSION sql_generate_invisible_primary_key = ON;
CREATE TABLE shop.t (a INT, b VARCHAR(9));
INSERT INTO shop.t VALUES (1, 'x'), (1, 'x'), (2, 'y');
CREATE TABLE shop.u (a INT, v VECTOR(2));
INSERT INTO shop.u VALUES (1, TO_VECTOR('[1,2]')), (2, NULL), (3, TO_VECTOR('[1,-0.5]'));
-- baseline
UPDATE shop.t SET b = 'z' WHERE a = 1 LIMIT 1;
DELETE FROM shop.t WHERE a = 2;
INSERT INTO shop.t VALUES (5, NULL);
DELETE FROM shop.u WHERE a = 1;
UPDATE shop.u SET v = TO_VECTOR('[3,4]') WHERE a = 2;
-- point
SET SESSION sql_generate_invisible_primary_key = ON;
CREATE TABLE shop.w (a INT);
INSERT INTO shop.w VALUES (1), (1);
DELETE FROM shop.w LIMIT 1;
ALTER TABLE shop.t ADD COLUMN c INT DEFAULT 3;
INSERT INTO shop.t VALUES (7, 'n', NULL);
-- point
