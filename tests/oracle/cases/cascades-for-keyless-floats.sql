-- A dump has six digits of a FLOAT: without a key nobody knows which rows a cascade came for.
-- server: mariadb
-- refused: shop.c: FLOAT
CREATE DATABASE shop;
CREATE TABLE shop.p (id INT PRIMARY KEY);
CREATE TABLE shop.c (p INT, f FLOAT, FOREIGN KEY (p) REFERENCES shop.p (id) ON DELETE CASCADE);
INSERT INTO shop.p VALUES (1), (2);
INSERT INTO shop.c VALUES (1, 0.1), (2, 16777215);
-- baseline
DELETE FROM shop.p WHERE id = 2;
-- point
