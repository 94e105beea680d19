-- refused: shop.t: its default is an expression
-- refused: shop.b: texts beyond ASCII that would be others
-- refused: shop.g: texts beyond ASCII that would be others
-- refused: shop.c: texts beyond ASCII that would be others
-- refused: shop.e: texts beyond ASCII that would be others
-- refused: shop.заказы: its default is an expression
-- Texts whose bytes, or characters, would be others where the statement is written again in UTF-8: with a character set of
-- their own, in binary columns and expressions, through a connection in another character set, as bytes for a latin1 column.
CREATE DATABASE shop CHARACTER SET utf8mb4;
CREATE TABLE shop.t (id INT PRIMARY KEY);
CREATE TABLE shop.u (id INT PRIMARY KEY);
CREATE TABLE shop.c (id INT PRIMARY KEY);
CREATE TABLE shop.`заказы` (id INT PRIMARY KEY);
INSERT INTO shop.t VALUES (1);
-- baseline
SET NAMES latin1;
ALTER TABLE shop.t ADD COLUMN v VARCHAR(9) CHARACTER SET utf8mb4 DEFAULT _latin1'é';
ALTER TABLE shop.u ADD COLUMN v VARCHAR(9) CHARACTER SET utf8mb4 DEFAULT 'é';
INSERT INTO shop.u (id) VALUES (1);
SET NAMES cp1251;
CREATE TABLE shop.b (id INT PRIMARY KEY, v VARBINARY(9) DEFAULT 'да');
CREATE TABLE shop.g (id INT PRIMARY KEY, n INT AS (LENGTH('да')) STORED);
ALTER TABLE shop.`заказы` ADD COLUMN v VARCHAR(9) DEFAULT _cp1251'да';
SET NAMES utf8mb4;
SET character_set_connection = latin1;
ALTER TABLE shop.c ADD COLUMN v VARCHAR(9) CHARACTER SET utf8mb4 DEFAULT 'я';
SET NAMES binary;
CREATE TABLE shop.e (id INT PRIMARY KEY, e ENUM('é') CHARACTER SET latin1);
CREATE TABLE shop.f (id INT PRIMARY KEY, v VARCHAR(9) CHARACTER SET utf8mb4 DEFAULT 'é', b VARBINARY(9) DEFAULT 'é');
INSERT INTO shop.f (id) VALUES (1);
SET NAMES utf8mb4;
-- point
