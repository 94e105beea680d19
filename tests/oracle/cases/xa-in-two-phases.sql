-- Rows of an XA transaction are there from its XA COMMIT on, wherever they are logged; one that is rolled back or still
-- prepared is not.
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, v INT);
CREATE TABLE shop.w (v INT);
INSERT INTO shop.t VALUES (1, 1), (2, 2), (3, 3), (4, 4);
INSERT INTO shop.w VALUES (1), (1), (2);
-- baseline
INSERT INTO shop.w VALUES (7);
-- session 2
XA START 'one';
INSERT INTO shop.t VALUES (10, 1);
UPDATE shop.t SET v = 100 WHERE id = 1;
DELETE FROM shop.w WHERE v = 1;
XA END 'one';
XA PREPARE 'one';
-- session 3
XA START x'00ff2c27', 'branch', 77;
INSERT INTO shop.t VALUES (20, 2);
DELETE FROM shop.t WHERE id = 2;
XA END x'00ff2c27', 'branch', 77;
XA PREPARE x'00ff2c27', 'branch', 77;
-- session 1
INSERT INTO shop.t VALUES (30, 3);
-- point
-- session 2
XA COMMIT 'one';
-- session 1
UPDATE shop.t SET v = v + 1 WHERE id IN (1, 10, 3);
-- point gtid
-- session 3
XA ROLLBACK x'00ff2c27', 'branch', 77;
-- session 1
UPDATE shop.t SET v = v + 1 WHERE id = 2;
-- session 2
-- One in one phase, one that only reads, one that is rolled back before it is prepared.
XA START 'one';
UPDATE shop.t SET id = 11 WHERE id = 10;
XA END 'one';
XA COMMIT 'one' ONE PHASE;
XA START 'reads';
SELECT COUNT(*) FROM shop.t;
XA END 'reads';
XA PREPARE 'reads';
XA COMMIT 'reads';
XA START 'gone';
INSERT INTO shop.t VALUES (40, 4);
XA END 'gone';
XA ROLLBACK 'gone';
-- The name again.
XA START 'one';
INSERT INTO shop.t VALUES (50, 5);
XA END 'one';
XA PREPARE 'one';
-- session 1
FLUSH BINARY LOGS;
CREATE TABLE shop.late (id INT PRIMARY KEY);
INSERT INTO shop.late VALUES (1);
-- point time
-- session 2
XA COMMIT 'one';
-- point time
