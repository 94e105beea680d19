-- server: mariadb
-- The names of MariaDB's triggers are names of files, and told apart by their letters.
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY);
INSERT INTO shop.t VALUES (1);
CREATE TRIGGER shop.tr BEFORE INSERT ON shop.t FOR EACH ROW SET @a = 1;
CREATE TRIGGER shop.te BEFORE INSERT ON shop.t FOR EACH ROW SET @a = 2;
-- baseline
USE shop;
CREATE TRIGGER TR AFTER INSERT ON t FOR EACH ROW SET @a = 3;
CREATE TRIGGER `té` AFTER INSERT ON t FOR EACH ROW FOLLOWS TR SET @a = 4;
-- point
DROP TRIGGER tr;
CREATE OR REPLACE TRIGGER `TÉ` AFTER INSERT ON t FOR EACH ROW PRECEDES TR SET @a = 5;
-- point
