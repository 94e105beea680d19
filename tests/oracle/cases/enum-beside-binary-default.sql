-- A definition that is no UTF-8 as a whole, because of a binary default, has members beyond ASCII.
-- server: mariadb
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, e ENUM('a','é') CHARACTER SET latin1, b BINARY(3) NOT NULL DEFAULT X'0100FF', `ü` VARBINARY(9) DEFAULT X'275C0A1AFE' COMMENT 'ö');
INSERT INTO shop.t (id, e) VALUES (1, 'é');
CREATE TABLE shop.u LIKE shop.t;
INSERT INTO shop.u (id, e) VALUES (1, 'é');
-- baseline
-- point
INSERT INTO shop.t (id, e) VALUES (2, 'é');
ALTER TABLE shop.u ADD COLUMN c INT AUTO_INCREMENT UNIQUE FIRST, MODIFY e ENUM('ö','é','a') CHARACTER SET latin1;
TRUNCATE TABLE shop.u;
INSERT INTO shop.u (id, e) VALUES (2, 'é');
-- point
