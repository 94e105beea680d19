-- Views, routines, triggers, events and schemas by names that clients send in other character sets than UTF-8: the same
-- names as the baseline's, in other bytes. (MySQL logs half of such a statement in UTF-8.)
-- refused: shop.нет: who renamed it has another character set
-- refused: shop.вö: lacks letters of its new name
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, `ж` INT);
INSERT INTO shop.t VALUES (1, 1);
CREATE VIEW shop.`вид` AS SELECT id FROM shop.t;
CREATE VIEW shop.`старый` AS SELECT id FROM shop.t;
CREATE VIEW shop.`был` AS SELECT 1 AS one;
CREATE VIEW shop.`té` AS SELECT 1 AS one;
CREATE PROCEDURE shop.`процедура`() SELECT 1;
CREATE FUNCTION shop.`表`() RETURNS INT DETERMINISTIC RETURN 1;
CREATE PROCEDURE shop.`視図`() SELECT 1;
CREATE TRIGGER shop.`триггер` BEFORE INSERT ON shop.t FOR EACH ROW SET @a = 1;
CREATE TRIGGER shop.`второй` BEFORE INSERT ON shop.t FOR EACH ROW SET @a = 2;
CREATE EVENT shop.`событие` ON SCHEDULE EVERY 1 YEAR STARTS '2030-01-01' DISABLE DO SET @a = 1;
CREATE EVENT shop.`ещё` ON SCHEDULE EVERY 1 YEAR STARTS '2030-01-01' DISABLE DO SET @a = 1;
-- baseline
SET NAMES cp1251;
USE shop;
CREATE OR REPLACE VIEW `вид` (`ы`) AS SELECT `ж` FROM t `т`;
DROP VIEW `старый`;
CREATE VIEW `новый` AS SELECT 'ю' AS `ю`, `т`.* FROM t `т`;
DROP PROCEDURE `процедура`;
CREATE PROCEDURE `процедура`(`п` INT) SELECT 'я', `п`;
DROP TRIGGER `триггер`;
CREATE TRIGGER `триггер` BEFORE INSERT ON t FOR EACH ROW FOLLOWS `второй` SET @`я` = 'я';
ALTER EVENT `событие` ON SCHEDULE EVERY 2 YEAR STARTS '2031-01-01' COMMENT 'да' DO SET @b = 'нет';
ALTER EVENT `ещё` RENAME TO `нет`;
SET NAMES koi8r;
ALTER VIEW `был` AS SELECT 2 AS `два`;
-- point
SET NAMES latin1 COLLATE latin1_german1_ci;
DROP VIEW `té`;
CREATE VIEW `tö` AS SELECT 'ü' AS `ä`;
SET NAMES utf8mb4;
ALTER TABLE t ADD COLUMN `щ` INT;
RENAME TABLE `новый` TO `новее`;
RENAME TABLE `tö` TO `вö`;
-- point
SET NAMES sjis;
DROP FUNCTION `表`;
DROP PROCEDURE `視図`;
SET NAMES gbk;
CREATE PROCEDURE `视图`() SELECT '值';
SET NAMES utf8mb4;
-- point
