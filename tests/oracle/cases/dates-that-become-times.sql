-- Rows by their dates, which become times of a key: of a table without one before, and of one that keeps its key.
CREATE DATABASE shop;
CREATE TABLE shop.a (d DATE NOT NULL, v INT);
CREATE TABLE shop.b (d DATE NOT NULL PRIMARY KEY, v INT);
INSERT INTO shop.a VALUES ('2024-01-09', 1), ('2024-01-10', 2), ('2024-01-11', 3);
INSERT INTO shop.b SELECT * FROM shop.a;
-- baseline
UPDATE shop.a SET v = 10 WHERE v = 1;
DELETE FROM shop.b WHERE v = 2;
INSERT INTO shop.a VALUES ('9999-12-31', 4);
INSERT INTO shop.b VALUES ('9999-12-31', 4);
ALTER TABLE shop.a MODIFY COLUMN d DATETIME NOT NULL, ADD UNIQUE KEY u (d);
ALTER TABLE shop.b MODIFY COLUMN d DATETIME(3) NOT NULL;
-- point
UPDATE shop.a SET d = d + INTERVAL 5 MINUTE WHERE v = 10;
DELETE FROM shop.a WHERE v = 3;
UPDATE shop.b SET v = 30 WHERE d = '2024-01-11';
UPDATE shop.b SET d = d - INTERVAL 1 SECOND WHERE v = 4;
-- point
