-- A sequence's state is the last row that the server logged of it, also of a transaction that was rolled back.
-- server: mariadb
CREATE DATABASE shop;
USE shop;
CREATE SEQUENCE kept START WITH 5 INCREMENT BY 3 CACHE 10;
CREATE SEQUENCE a_used START WITH 5 INCREMENT BY 3 CACHE 10;
CREATE SEQUENCE renamed CACHE 5;
CREATE SEQUENCE dropped;
CREATE SEQUENCE restarted MAXVALUE 1000;
CREATE TABLE t (id INT DEFAULT NEXTVAL(a_used), v INT);
DO NEXTVAL(kept), NEXTVAL(a_used), NEXTVAL(renamed), NEXTVAL(restarted);
-- baseline
INSERT INTO t (v) VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12);
BEGIN;
INSERT INTO t (v) VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12);
ROLLBACK;
RENAME TABLE renamed TO new_name;
CREATE SEQUENCE made INCREMENT BY 2;
CREATE SEQUENCE untouched START WITH 7 MAXVALUE 70;
DO NEXTVAL(made);
DROP SEQUENCE dropped;
-- point
ALTER SEQUENCE restarted RESTART 50 CACHE 3;
ALTER TABLE made RENAME TO made2;
DO SETVAL(made2, 7001);
CREATE OR REPLACE SEQUENCE a_used;
DO NEXTVAL(a_used), NEXTVAL(restarted);
-- point
