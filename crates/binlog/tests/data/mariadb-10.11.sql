SET SESSION sql_mode='ALLOW_INVALID_DATES';
SET time_zone='+00:00';
DROP DATABASE IF EXISTS d;
RESET MASTER;
CREATE DATABASE d;
USE d;
CREATE TABLE d.types (id INT PRIMARY KEY, y YEAR, u TINYINT UNSIGNED, m MEDIUMINT, b64 BIT(64), b17 BIT(17),
  dc DECIMAL(65,30), d0 DECIMAL(5,0), f FLOAT, g DOUBLE, dt DATE, t0 TIME, t3 TIME(3), t6 TIME(6), d DATETIME(2), ts TIMESTAMP(6) NULL,
  c CHAR(100) CHARACTER SET utf8mb4, l VARCHAR(300) CHARACTER SET latin1, bn BINARY(4), e ENUM('a','b'), s SET('x','y','z'),
  p POINT, bl TINYBLOB, tx LONGTEXT CHARACTER SET utf8mb4, zc TEXT COMPRESSED CHARACTER SET utf8mb4, vc VARCHAR(1000) COMPRESSED CHARACTER SET utf8mb4, ud UUID, i6 INET6, i4 INET4, ub BIGINT UNSIGNED) ENGINE=InnoDB;
INSERT INTO d.types VALUES (1, 2155, 255, -8388608, b'1000000000000000000000000000000000000000000000000000000000000001', b'10000000000000001',
  -99999999999999999999999999999999999.999999999999999999999999999999, -12345, 1.5, -0e0, '0000-00-00', '-838:59:59', '-00:00:00.001', '-00:00:00.000001', '2026-00-31 23:59:59.99', '2038-01-19 03:14:07.999999',
  'é ', 'é', X'01020000', 'b', 'x,z', POINT(1,2), X'00FF', 'long', REPEAT('a', 200), REPEAT('b', 200), '123e4567-e89b-12d3-a456-426614174000', '::1', '1.2.3.4', 18446744073709551615);
INSERT INTO d.types (id, y, zc, vc) VALUES (2, 0, 'short', '');
UPDATE d.types SET y = 1901, zc = NULL WHERE id = 2;
DELETE FROM d.types WHERE id = 1;
CREATE TABLE d.aria (a INT) ENGINE=Aria;
INSERT INTO d.aria VALUES (1),(2);
CREATE TABLE d.copied ENGINE=InnoDB AS SELECT id, y FROM d.types;
BEGIN;
INSERT INTO d.types (id) VALUES (3);
SAVEPOINT a;
INSERT INTO d.types (id) VALUES (4);
ROLLBACK TO a;
COMMIT;
XA START 'g','b';
INSERT INTO d.types (id) VALUES (5);
XA END 'g','b';
XA PREPARE 'g','b';
XA COMMIT 'g','b';
XA START 'one';
INSERT INTO d.types (id) VALUES (6);
XA END 'one';
XA COMMIT 'one' ONE PHASE;
XA START 'r';
INSERT INTO d.types (id) VALUES (7);
XA END 'r';
XA PREPARE 'r';
XA ROLLBACK 'r';
TRUNCATE TABLE d.copied;
FLUSH BINARY LOGS;
DROP DATABASE d;
SET GLOBAL log_bin_compress=ON;
SET GLOBAL log_bin_compress_min_len=10;
SET SESSION sql_mode='ALLOW_INVALID_DATES';
SET time_zone='+00:00';
CREATE DATABASE d;
RESET MASTER;
CREATE TABLE d.packed (id INT PRIMARY KEY, v VARCHAR(300)) COMMENT 'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc';
INSERT INTO d.packed VALUES (1, REPEAT('v', 250)), (2, REPEAT('w', 250));
UPDATE d.packed SET v = CONCAT(v, '!') WHERE id = 2;
DELETE FROM d.packed;
SET GLOBAL mysql56_temporal_format=OFF;
CREATE TABLE d.old (id INT, t TIME, d DATETIME, ts TIMESTAMP NULL);
INSERT INTO d.old VALUES (1,'-12:34:56','2026-02-30 01:02:03','2026-01-02 03:04:05'),(2,'00:00:00','0000-00-00 00:00:00','0000-00-00 00:00:00');
SET GLOBAL mysql56_temporal_format=ON;
SET GLOBAL log_bin_compress=OFF;
FLUSH BINARY LOGS;
