-- mydumper 0.10 writes what was made under ANSI_QUOTES in those quotes, and does not set the mode: its file does not load.
-- server: mariadb
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, v INT);
SET SESSION sql_mode = 'ANSI_QUOTES';
CREATE FUNCTION shop."func 3"() RETURNS INT DETERMINISTIC RETURN 1;
CREATE TRIGGER shop."a trigger" BEFORE INSERT ON shop.t FOR EACH ROW SET NEW."v" = 3;
SET SESSION sql_mode = DEFAULT;
CREATE PROCEDURE shop.plain() SELECT "a text";
-- baseline
INSERT INTO shop.t VALUES (1, 1);
-- point
