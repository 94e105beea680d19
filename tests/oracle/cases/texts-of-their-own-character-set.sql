-- refused: shop.t: characters that are not read here
-- A text says itself which character set its bytes are in, which is not the client's: written again in UTF-8 it would be another.
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY);
CREATE TABLE shop.u (id INT PRIMARY KEY);
INSERT INTO shop.t VALUES (1);
-- baseline
SET NAMES latin1;
ALTER TABLE shop.t ADD COLUMN v VARCHAR(9) CHARACTER SET utf8mb4 DEFAULT _latin1'é';
ALTER TABLE shop.u ADD COLUMN v VARCHAR(9) CHARACTER SET utf8mb4 DEFAULT 'é';
INSERT INTO shop.u (id) VALUES (1);
SET NAMES utf8mb4;
-- point
