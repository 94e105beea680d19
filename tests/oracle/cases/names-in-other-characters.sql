-- DROP TABLE is in the client's characters, although the server writes it; a name in other letters, small for capital, may be
-- another table's.
-- refused: shop.orders: in other letters
CREATE DATABASE shop;
CREATE TABLE shop.orders (id INT PRIMARY KEY);
INSERT INTO shop.orders VALUES (1);
SET NAMES latin1;
CREATE TABLE shop.`té` (id INT PRIMARY KEY);
CREATE TABLE shop.`tö` (id INT PRIMARY KEY);
INSERT INTO shop.`té` VALUES (1);
SET NAMES utf8mb4;
-- baseline
SET NAMES latin1;
DROP TABLE shop.`té`;
INSERT INTO shop.`tö` VALUES (2);
SET NAMES utf8mb4;
DROP TABLE IF EXISTS shop.Orders;
-- point
