-- Names that differ in letters: views that do are two (lower_case_table_names is 0 here), routines and events that do are one,
-- and also those that differ in accents. A view that is dropped IF EXISTS by a name in other letters may have been meant.
-- refused: shop.sure: whether the server takes the two names for one is in no log
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY);
INSERT INTO shop.t VALUES (1);
CREATE VIEW shop.v1 AS SELECT 1 AS one;
CREATE VIEW shop.sure AS SELECT 1 AS one;
CREATE PROCEDURE shop.pe() SELECT 1;
CREATE PROCEDURE shop.ps() SELECT 1;
CREATE PROCEDURE shop.`pо`() SELECT 'a Cyrillic letter';
CREATE FUNCTION shop.f() RETURNS INT DETERMINISTIC RETURN 1;
CREATE EVENT shop.e ON SCHEDULE EVERY 1 YEAR STARTS '2030-01-01' DISABLE DO SET @a = 1;
CREATE TRIGGER shop.tr BEFORE INSERT ON shop.t FOR EACH ROW SET @a = 1;
-- baseline
USE shop;
DROP VIEW IF EXISTS SURE;
-- point
CREATE VIEW V1 AS SELECT 2 AS two;
-- point
CREATE OR REPLACE VIEW v1 AS SELECT 3 AS three;
CREATE OR REPLACE VIEW SURE AS SELECT 4 AS four;
DROP PROCEDURE `PÉ`;
DROP PROCEDURE `pß`;
CREATE PROCEDURE po() SELECT 'a Latin letter';
ALTER FUNCTION F COMMENT 'one';
ALTER EVENT `É` RENAME TO `é2`;
DROP TRIGGER tr;
CREATE TRIGGER TR BEFORE INSERT ON t FOR EACH ROW SET @a = 2;
-- point
