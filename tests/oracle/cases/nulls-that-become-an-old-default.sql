-- Where NULL is no longer allowed, InnoDB puts the column's old default in its place when it alters in place; a copy gives zero.
-- server: mariadb
-- refused: shop.t: its old default or a zero
-- refused: shop.j: became empty texts
-- refused: shop.p: its old default or a zero
-- refused: shop.m: its old default or a zero
CREATE DATABASE shop;
USE shop;
SET SESSION sql_mode = '';
CREATE TABLE t (id INT PRIMARY KEY, a INT DEFAULT 5);
CREATE TABLE m (id INT PRIMARY KEY, a INT DEFAULT 5) ENGINE = MyISAM;
CREATE TABLE p (id INT PRIMARY KEY, a INT DEFAULT 5);
CREATE TABLE without (id INT PRIMARY KEY, a INT, b TIME(3) DEFAULT '00:00:00');
CREATE TABLE j (id INT PRIMARY KEY, a JSON);
CREATE TABLE strict (id INT PRIMARY KEY, a INT DEFAULT 5);
INSERT INTO t VALUES (1, NULL);
INSERT INTO p VALUES (1, NULL);
INSERT INTO m VALUES (1, NULL);
INSERT INTO without VALUES (1, NULL, NULL);
INSERT INTO j VALUES (1, NULL);
INSERT INTO strict VALUES (1, 1);
-- baseline
ALTER TABLE t MODIFY a INT NOT NULL DEFAULT 5;
ALTER TABLE p DROP PRIMARY KEY, ADD PRIMARY KEY (id, a);
ALTER TABLE m MODIFY a INT NOT NULL DEFAULT 5;
ALTER TABLE without MODIFY a INT NOT NULL DEFAULT 6, MODIFY b TIME(3) NOT NULL DEFAULT '01:00:00';
ALTER TABLE j MODIFY a JSON NOT NULL;
SET SESSION sql_mode = 'STRICT_ALL_TABLES';
ALTER TABLE strict MODIFY a INT NOT NULL DEFAULT 6;
-- point
