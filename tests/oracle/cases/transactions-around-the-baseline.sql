-- A transaction that began before the baseline and commits behind it is in; what was rolled back is not; half of one never is.
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, v INT);
CREATE TABLE shop.u (id INT PRIMARY KEY, v INT);
INSERT INTO shop.t VALUES (1, 1), (2, 2), (3, 3);
-- session 2
BEGIN;
UPDATE shop.t SET v = 10 WHERE id = 1;
-- session 3
BEGIN;
INSERT INTO shop.u VALUES (1, 1);
-- baseline
-- session 2
INSERT INTO shop.u VALUES (2, 2);
-- session 1
UPDATE shop.t SET v = 30 WHERE id = 3;
-- point
-- session 2
COMMIT;
-- point gtid
-- session 3
INSERT INTO shop.u VALUES (3, 3);
ROLLBACK;
-- session 1
DELETE FROM shop.t WHERE id = 2;
-- point
