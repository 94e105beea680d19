-- mydumper 0.10 selects `*`, which leaves invisible columns out.
-- server: mariadb
-- refused: shop.t: the dump lacks its column
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, v INT INVISIBLE DEFAULT 1);
INSERT INTO shop.t (id, v) VALUES (1, 2);
-- baseline
-- point
