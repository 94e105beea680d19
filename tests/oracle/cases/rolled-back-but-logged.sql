-- server: mariadb
-- What is undone is in the log all the same where the transaction did something that cannot be undone.
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, v INT) ENGINE = InnoDB;
CREATE TABLE shop.m (id INT PRIMARY KEY, v INT) ENGINE = MyISAM;
CREATE TABLE shop.a (id INT PRIMARY KEY, v INT) ENGINE = Aria;
CREATE TABLE shop.logged (id INT PRIMARY KEY, v INT) ENGINE = InnoDB;
CREATE TABLE shop.turned (id INT PRIMARY KEY, v INT) ENGINE = MyISAM;
CREATE TRIGGER shop.logs AFTER INSERT ON shop.logged FOR EACH ROW INSERT INTO shop.m VALUES (NEW.id + 1000, NEW.v);
INSERT INTO shop.t VALUES (1, 1), (2, 2), (3, 3), (4, 4);
INSERT INTO shop.m VALUES (1, 1), (2, 2);
-- baseline
BEGIN;
INSERT INTO shop.t VALUES (11, 1);
SAVEPOINT `a b`;
UPDATE shop.t SET v = 100 WHERE id = 1;
INSERT INTO shop.m VALUES (12, 1);
ROLLBACK TO `a b`;
UPDATE shop.t SET v = 200 WHERE id = 1;
COMMIT;
-- point
BEGIN;
INSERT INTO shop.t VALUES (21, 1);
SAVEPOINT one;
INSERT INTO shop.logged VALUES (22, 1), (23, 1);
SAVEPOINT two;
DELETE FROM shop.t WHERE id = 2;
ROLLBACK TO two;
DELETE FROM shop.t WHERE id = 3;
SAVEPOINT ONE;
DELETE FROM shop.t WHERE id = 4;
ROLLBACK TO One;
INSERT INTO shop.a VALUES (21, 1);
COMMIT;
-- point gtid
BEGIN;
INSERT INTO shop.t VALUES (31, 1);
CREATE TEMPORARY TABLE shop.tmp (id INT) ENGINE = InnoDB;
INSERT INTO shop.t VALUES (32, 1);
INSERT INTO shop.m VALUES (33, 1);
ROLLBACK;
-- point
ALTER TABLE shop.turned ENGINE = InnoDB;
BEGIN;
INSERT INTO shop.turned VALUES (1, 1);
SAVEPOINT s;
INSERT INTO shop.turned VALUES (2, 1);
DROP TEMPORARY TABLE shop.tmp;
INSERT INTO shop.turned VALUES (3, 1);
ROLLBACK TO s;
INSERT INTO shop.turned VALUES (4, 1);
COMMIT;
-- point
XA START 'x';
INSERT INTO shop.t VALUES (41, 1);
SAVEPOINT s;
INSERT INTO shop.t VALUES (42, 1);
INSERT INTO shop.m VALUES (42, 1);
ROLLBACK TO s;
INSERT INTO shop.t VALUES (43, 1);
XA END 'x';
XA PREPARE 'x';
-- point
XA COMMIT 'x';
-- point
