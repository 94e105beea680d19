-- MariaDB 11.2 and later: a character set has the default collation that the session wants, the client's too. By its number
-- it is no character set then. The log has the setting in front of the character sets and the time zone.
-- server: mariadb-11.8
-- refused: shop.strange: default collation (latin1_bin
-- refused: shop.altered: default collation (latin1_bin
CREATE DATABASE shop;
USE shop;
SET NAMES utf8mb4;
CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(10));
CREATE TRIGGER kept BEFORE INSERT ON t FOR EACH ROW SET @a = 'é';
CREATE TABLE altered (id INT PRIMARY KEY);
CREATE TABLE not_concerned (id INT PRIMARY KEY);
INSERT INTO t VALUES (1, 'a'), (2, 'é');
-- baseline
CREATE TRIGGER made AFTER DELETE ON t FOR EACH ROW SET @b = 'ü';
CREATE VIEW w AS SELECT v, 'é' AS e FROM t;
CREATE PROCEDURE p() SELECT 'ß';
SET NAMES utf8mb3;
CREATE EVENT e ON SCHEDULE EVERY 1 YEAR STARTS '2030-01-01' DISABLE DO SET @c = 'ö';
CREATE TABLE of_the_server (c CHAR(3), d CHAR(3) CHARACTER SET latin1);
SET SESSION character_set_collations = 'utf8mb4=utf8mb4_general_ci,latin1=latin1_german1_ci';
CREATE TABLE of_the_session (id INT PRIMARY KEY, c CHAR(3) CHARACTER SET utf8mb4, d CHAR(3) CHARACTER SET latin1);
ALTER TABLE t ADD COLUMN w CHAR(3) CHARACTER SET latin1 DEFAULT 'x';
INSERT INTO of_the_session VALUES (1, 'A', 'b');
UPDATE t SET v = 'b' WHERE id = 2;
SET NAMES latin1;
CREATE TABLE `ünï` (id INT PRIMARY KEY, c CHAR(3) CHARACTER SET utf8mb4);
SET NAMES utf8mb4;
SET SESSION time_zone = '+02:00';
CREATE TABLE zoned (id INT PRIMARY KEY, c CHAR(3) CHARACTER SET utf8mb4, t TIMESTAMP NULL DEFAULT '2024-01-01 00:00:00');
SET SESSION character_set_collations = '';
CREATE TABLE of_no_session (id INT PRIMARY KEY, c CHAR(3) CHARACTER SET utf8mb4) CHARACTER SET utf8mb3;
ALTER TABLE of_no_session CONVERT TO CHARACTER SET utf8mb4;
SET SESSION character_set_collations = 'latin1=latin1_bin';
CREATE TABLE strange (id INT PRIMARY KEY, d CHAR(3) CHARACTER SET latin1);
ALTER TABLE altered ADD COLUMN d CHAR(3) CHARACTER SET latin1;
ALTER TABLE not_concerned ADD COLUMN d INT;
-- point
