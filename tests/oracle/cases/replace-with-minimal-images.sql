-- server: mariadb
-- refused: shop.log: no plain UPDATE, INSERT or REPLACE of the table stands before it
-- refused: shop.silent: no plain UPDATE, INSERT or REPLACE of the table stands before it
-- A REPLACE that meets a row is logged as an update that lacks the columns which went back to their defaults. The statement
-- before it tells; it does not of a trigger's, nor where the session leaves it out.
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY DEFAULT 7, a INT DEFAULT 5, b INT DEFAULT 6, u INT UNIQUE, c TEXT);
CREATE TABLE shop.u (id INT PRIMARY KEY, a INT DEFAULT 5, b INT DEFAULT 6);
CREATE TABLE shop.log (id INT PRIMARY KEY, a INT DEFAULT 5, b INT DEFAULT 6);
CREATE TABLE shop.silent (id INT PRIMARY KEY, a INT DEFAULT 5, b INT DEFAULT 6);
CREATE TRIGGER shop.logs AFTER INSERT ON shop.u FOR EACH ROW REPLACE INTO shop.log (id, a) VALUES (1, NEW.a);
INSERT INTO shop.t VALUES (1, 1, 1, 1, 'x'), (2, 2, 2, 2, 'x'), (3, 3, 3, 3, 'x');
INSERT INTO shop.u VALUES (1, 1, 1), (2, 2, 2);
INSERT INTO shop.log VALUES (1, 1, 1) ON DUPLICATE KEY UPDATE b = 9;
INSERT INTO shop.silent VALUES (1, 1, 1);
-- baseline
SET SESSION binlog_row_image = MINIMAL;
REPLACE INTO shop.t (id, a, u) VALUES (1, 100, 1);
-- The key goes back to its default too.
REPLACE INTO shop.t (u) VALUES (2);
UPDATE shop.u SET b = 7 WHERE id = 2;
INSERT INTO shop.u (id, b) VALUES (3, 3);
SET SESSION binlog_row_image = NOBLOB;
REPLACE INTO shop.t (id, u) VALUES (3, 3);
SET SESSION binlog_annotate_row_events = 0;
SET SESSION binlog_row_image = MINIMAL;
UPDATE shop.silent SET a = 7;
-- point
