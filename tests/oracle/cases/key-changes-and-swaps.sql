-- Updates that move keys, exchange them and change their case only.
CREATE DATABASE shop;
CREATE TABLE shop.t (k VARCHAR(20) PRIMARY KEY, v INT) DEFAULT CHARSET = utf8mb4;
CREATE TABLE shop.n (id INT PRIMARY KEY, v INT);
INSERT INTO shop.t VALUES ('a', 1), ('b', 2), ('c,d', 3);
INSERT INTO shop.n VALUES (1, 1), (2, 2), (3, 3), (4, 4);
-- session 2
BEGIN;
UPDATE shop.n SET v = 40 WHERE id = 4;
-- baseline
-- session 1
UPDATE shop.t SET k = 'A' WHERE k = 'a';
-- point
-- session 2
SAVEPOINT one;
UPDATE shop.n SET id = 99 WHERE id = 1;
UPDATE shop.n SET id = 1 WHERE id = 2;
UPDATE shop.n SET id = 2 WHERE id = 99;
-- session 1
UPDATE shop.t SET k = CONCAT(k, 'x') ORDER BY k DESC;
-- point gtid
-- session 2
ROLLBACK TO SAVEPOINT one;
DELETE FROM shop.n WHERE id = 3;
COMMIT;
-- session 1
UPDATE shop.n SET id = id + 1 ORDER BY id DESC;
FLUSH BINARY LOGS;
-- point
REPLACE INTO shop.t VALUES ('Ax', 7), ('new', 8);
-- point time
