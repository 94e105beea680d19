-- What foreign keys do to children is in no event on MariaDB, and in events of its own on MySQL 9.6.
CREATE DATABASE shop;
CREATE TABLE shop.p (id INT PRIMARY KEY, code VARCHAR(20) NOT NULL, UNIQUE KEY (code));
CREATE TABLE shop.gone (id INT PRIMARY KEY, p INT, v INT, FOREIGN KEY (p) REFERENCES shop.p (id) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE shop.nulled (id INT PRIMARY KEY, p INT, v INT, FOREIGN KEY (p) REFERENCES shop.p (id) ON DELETE SET NULL ON UPDATE SET NULL);
CREATE TABLE shop.line (p INT, n INT, v INT, PRIMARY KEY (p, n), FOREIGN KEY (p) REFERENCES shop.p (id) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE shop.part (p INT NOT NULL, n INT NOT NULL, k INT, v INT, PRIMARY KEY (p, n, k), FOREIGN KEY (p, n) REFERENCES shop.line (p, n) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE shop.coded (id INT PRIMARY KEY, code VARCHAR(20), FOREIGN KEY (code) REFERENCES shop.p (code) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE shop.keyless (p INT, v INT, KEY (p), FOREIGN KEY (p) REFERENCES shop.p (id) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE shop.tree (id INT PRIMARY KEY, up INT, v INT, FOREIGN KEY (up) REFERENCES shop.tree (id) ON DELETE CASCADE);
INSERT INTO shop.p VALUES (1, 'One'), (2, 'Two'), (3, 'Three'), (4, 'Four'), (5, 'Five'), (6, 'Six'), (7, 'Ünz');
INSERT INTO shop.gone VALUES (1, 1, 1), (2, 1, 2), (3, 2, 3), (4, 3, 4), (5, NULL, 5), (6, 4, 6);
INSERT INTO shop.nulled VALUES (1, 1, 1), (2, 1, 2), (3, 2, 3), (4, 3, 4), (5, NULL, 5), (6, 4, 6);
INSERT INTO shop.line VALUES (1, 1, 1), (1, 2, 2), (2, 1, 3), (3, 1, 4), (4, 1, 5);
INSERT INTO shop.part VALUES (1, 1, 1, 1), (1, 1, 2, 2), (2, 1, 1, 3), (3, 1, 1, 4), (4, 1, 1, 5);
INSERT INTO shop.coded VALUES (1, 'one'), (2, 'TWO'), (3, 'three'), (4, 'four'), (5, NULL), (6, 'Ünz');
INSERT INTO shop.keyless VALUES (1, 1), (1, 1), (2, 2), (2, 2), (2, 3), (3, 1), (4, 4), (NULL, 1);
INSERT INTO shop.tree VALUES (1, NULL, 0), (2, 1, 0), (3, 2, 0), (4, 3, 0), (5, 4, 0), (6, NULL, 0), (7, 6, 0), (8, 7, 0), (9, 9, 0);
-- baseline
DELETE FROM shop.p WHERE id = 1;
-- point
UPDATE shop.p SET id = 20, code = 'Twenty' WHERE id = 2;
-- point gtid
UPDATE shop.gone SET v = v + 10 WHERE id = 3;
UPDATE shop.keyless SET v = 9 WHERE p = 20 AND v = 2 LIMIT 1;
UPDATE shop.line SET v = 33 WHERE p = 20;
DELETE FROM shop.tree WHERE id = 2;
-- point
UPDATE shop.p SET id = 21 WHERE id = 20;
UPDATE shop.p SET id = 22 WHERE id = 21;
UPDATE shop.part SET v = 44 WHERE p = 22;
DELETE FROM shop.p WHERE id = 3;
INSERT INTO shop.p VALUES (3, 'three'), (1, 'One');
INSERT INTO shop.gone VALUES (4, 3, 40), (1, 1, 10), (7, 22, 70);
INSERT INTO shop.line VALUES (3, 1, 40), (22, 2, 8);
INSERT INTO shop.part VALUES (3, 1, 1, 40), (22, 2, 2, 2);
INSERT INTO shop.keyless VALUES (22, 9), (22, 9), (3, 1);
-- point
BEGIN;
DELETE FROM shop.p WHERE id = 22;
INSERT INTO shop.p VALUES (22, 'again');
INSERT INTO shop.gone VALUES (3, 22, 1);
COMMIT;
BEGIN;
DELETE FROM shop.p WHERE id = 4;
ROLLBACK;
UPDATE shop.line SET n = n + 10 WHERE p = 4;
UPDATE shop.part SET k = k + 1 WHERE p = 4;
INSERT INTO shop.tree VALUES (2, 1, 1), (3, 2, 1), (4, 3, 1);
DELETE FROM shop.tree WHERE id IN (6, 7);
-- point
SET foreign_key_checks = 0;
DELETE FROM shop.p WHERE id = 4;
SET foreign_key_checks = 1;
DELETE FROM shop.tree WHERE id = 9;
DELETE FROM shop.tree WHERE id = 1;
UPDATE shop.p SET code = 'FIVE' WHERE id = 5;
-- point
