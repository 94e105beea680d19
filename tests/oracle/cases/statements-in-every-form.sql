-- Names of several tables in one statement, no schema after USE, comments and line breaks, OR REPLACE, IF EXISTS: what a search
-- for the first word or the first name does not see.
CREATE DATABASE shop;
CREATE DATABASE `o-d`;
USE shop;
CREATE TABLE a (id INT PRIMARY KEY, v INT);
CREATE TABLE b LIKE a;
CREATE TABLE c LIKE a;
CREATE TABLE d LIKE a;
CREATE TABLE `o-d`.`e f` (id INT PRIMARY KEY, v INT);
INSERT INTO a VALUES (1, 1);
INSERT INTO b VALUES (2, 2);
INSERT INTO c VALUES (3, 3);
INSERT INTO d VALUES (4, 4);
INSERT INTO `o-d`.`e f` VALUES (5, 5);
-- baseline
TRUNCATE a;
INSERT INTO a VALUES (10, 10);
-- point
RENAME /* all of them */ TABLE a TO x,
  b TO a, x
  TO b;
INSERT INTO a VALUES (11, 11);
-- point
/* first */ DROP TABLE /*!50000 IF EXISTS */ c, nothing_such, d;
CREATE TABLE c (id INT PRIMARY KEY, v INT, w INT);
INSERT INTO c VALUES (3, 3, 3);
-- point
TRUNCATE TABLE `o-d` . `e f`;
INSERT INTO `o-d`.`e f` VALUES (6, 6);
ALTER TABLE a ADD COLUMN w INT NOT NULL DEFAULT 7 FIRST;
INSERT INTO a VALUES (1, 20, 20);
ALTER TABLE a RENAME COLUMN v TO v2, RENAME COLUMN w TO v;
UPDATE a SET v = 9 WHERE id = 11;
-- point
DROP DATABASE `o-d`;
-- point gtid
