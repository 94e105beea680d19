-- Triggers are made, dropped and put in an order; they go along with a table that is renamed, and go with one that is
-- dropped or made anew. Bodies have several lines, and settings of their own.
CREATE DATABASE shop;
USE shop;
CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(40));
CREATE TABLE u (id INT PRIMARY KEY, v VARCHAR(40));
CREATE TABLE gone (id INT PRIMARY KEY);
CREATE TRIGGER t_one BEFORE INSERT ON t FOR EACH ROW SET NEW.v = CONCAT(NEW.v, '1');
CREATE TRIGGER t_two BEFORE INSERT ON t FOR EACH ROW SET NEW.v = CONCAT(NEW.v, '2');
CREATE TRIGGER u_one AFTER DELETE ON u FOR EACH ROW BEGIN
  SET @a = 'x;';
  SET @b = 2;
END;
CREATE TRIGGER gone_one AFTER DELETE ON gone FOR EACH ROW SET @a = 1;
-- baseline
CREATE TRIGGER t_first BEFORE INSERT ON t FOR EACH ROW PRECEDES t_one SET NEW.v = CONCAT(NEW.v, '0');
CREATE TRIGGER shop.t_between BEFORE INSERT ON shop.t FOR EACH ROW FOLLOWS t_one BEGIN
  -- a remark; with a semicolon
  SET NEW.v = CONCAT(NEW.v, ';
  ');
  SET @é = 'ü';
END;
INSERT INTO t VALUES (1, 'a');
-- point
DROP TRIGGER t_one;
RENAME TABLE t TO t2, u TO t;
DROP TABLE gone;
CREATE TABLE gone (id INT PRIMARY KEY);
SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES';
CREATE TRIGGER "t ""three" AFTER UPDATE ON "t2" FOR EACH ROW SET @c = NEW."id", @d = '\';
SET SESSION sql_mode = DEFAULT;
INSERT INTO t2 VALUES (2, 'b');
-- point
ALTER TABLE t2 RENAME TO t3;
DROP TRIGGER IF EXISTS nothing;
CREATE TRIGGER t_one BEFORE INSERT ON t3 FOR EACH ROW SET NEW.v = CONCAT(NEW.v, 'last');
DROP TABLE t;
-- point
