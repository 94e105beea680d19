-- Of CREATE … SELECT the server logs a definition of its own, in UTF-8, also where the client speaks latin1.
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, v ENUM('é', 'ö'), w VARCHAR(10) COMMENT 'ü');
INSERT INTO shop.t VALUES (1, 'é', 'ä'), (2, 'ö', 'ß');
-- baseline
SET NAMES latin1;
CREATE TABLE shop.selected AS SELECT * FROM shop.t;
SET NAMES utf8mb4;
CREATE TABLE shop.plain AS SELECT * FROM shop.t;
-- point
INSERT INTO shop.selected VALUES (3, 'ö', 'ü');
-- point
