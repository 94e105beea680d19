-- The rows of a transaction that is prepared before the baseline and commits after it are in neither: they are taken from
-- the log before the baseline.
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, v INT);
CREATE TABLE shop.other (id INT PRIMARY KEY, v INT);
INSERT INTO shop.t VALUES (1, 1), (2, 2), (3, 3), (4, 4);
INSERT INTO shop.other VALUES (1, 1);
-- session 2
XA START 'early';
INSERT INTO shop.t VALUES (10, 1);
UPDATE shop.t SET v = 100 WHERE id = 1;
XA END 'early';
XA PREPARE 'early';
-- session 3
XA START 'early', 'two';
DELETE FROM shop.t WHERE id = 2;
XA END 'early', 'two';
XA PREPARE 'early', 'two';
-- session 1
FLUSH BINARY LOGS;
INSERT INTO shop.t VALUES (20, 2);
FLUSH BINARY LOGS;
INSERT INTO shop.t VALUES (21, 2);
-- baseline
INSERT INTO shop.t VALUES (30, 3);
-- point
-- session 2
XA COMMIT 'early';
-- session 1
UPDATE shop.t SET v = v + 1 WHERE id IN (1, 10);
-- point gtid
-- session 3
XA ROLLBACK 'early', 'two';
-- session 1
UPDATE shop.t SET v = v + 1 WHERE id = 2;
-- point
