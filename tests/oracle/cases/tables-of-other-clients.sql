-- Statements about tables from clients that send neither UTF-8 nor latin1: names, comments and defaults are in their characters.
CREATE DATABASE shop;
CREATE TABLE shop.`заказы` (id INT PRIMARY KEY, `имя` VARCHAR(30) CHARACTER SET utf8mb4);
INSERT INTO shop.`заказы` VALUES (1, 'один'), (2, 'два');
CREATE TABLE shop.`старые` (id INT PRIMARY KEY);
INSERT INTO shop.`старые` VALUES (1);
CREATE TABLE shop.orders (id INT PRIMARY KEY);
INSERT INTO shop.orders VALUES (1);
-- baseline
SET NAMES cp1251;
ALTER TABLE shop.`заказы` ADD COLUMN `цена` DECIMAL(8,2) DEFAULT 1.5 COMMENT 'в рублях', ADD COLUMN t VARCHAR(20) CHARACTER SET utf8mb4 DEFAULT 'да', ADD e ENUM('нет', 'да') CHARACTER SET cp1251 NOT NULL DEFAULT 'да';
INSERT INTO shop.`заказы` (id, `имя`) VALUES (3, 'три');
ALTER TABLE shop.orders ADD COLUMN `текст` VARCHAR(9) CHARACTER SET utf8mb4 DEFAULT 'ж';
DROP TABLE shop.`старые`;
-- point
SET NAMES koi8r;
RENAME TABLE shop.`заказы` TO shop.`архив`;
CREATE TABLE shop.`новые` LIKE shop.`архив`;
INSERT INTO shop.`новые` (id, `имя`) VALUES (1, 'ещё');
CREATE UNIQUE INDEX `ключ` ON shop.`новые` (`имя`);
SET NAMES sjis;
CREATE TABLE shop.`表` (`ソ` INT PRIMARY KEY, v VARCHAR(9) CHARACTER SET utf8mb4 DEFAULT '図表');
INSERT INTO shop.`表` (`ソ`) VALUES (1);
TRUNCATE TABLE shop.orders;
SET NAMES utf8mb4;
UPDATE shop.`архив` SET `цена` = 2 WHERE id = 1;
-- point
