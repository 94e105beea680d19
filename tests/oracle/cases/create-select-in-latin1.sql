-- statements may fail
-- The server writes the definition of a CREATE … SELECT in UTF-8, whatever the session's character set says.
CREATE DATABASE shop CHARACTER SET utf8mb4;
CREATE TABLE shop.t (id INT PRIMARY KEY, `größe` SET('é', 'ö') NOT NULL DEFAULT 'é', e ENUM('ß', '日本') COMMENT 'Ωω');
INSERT INTO shop.t VALUES (1, 'é,ö', '日本'), (2, 'ö', 'ß');
-- baseline
SET NAMES latin1;
USE shop;
CREATE TABLE s1 SELECT * FROM t;
-- point
CREATE TABLE s2 AS SELECT id, e FROM t;
UPDATE shop.s1 SET id = 3 WHERE id = 1;
INSERT INTO shop.s1 SELECT * FROM shop.t;
-- point
