-- OR REPLACE drops the table of that name.
-- server: mariadb
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, v INT);
CREATE TABLE shop.u (id INT PRIMARY KEY, v INT);
INSERT INTO shop.t VALUES (1, 1), (2, 2);
INSERT INTO shop.u VALUES (7, 7);
-- baseline
CREATE OR REPLACE TABLE shop.t (id INT PRIMARY KEY, w VARCHAR(10));
INSERT INTO shop.t VALUES (1, 'new');
-- point
CREATE OR REPLACE TABLE shop.t LIKE shop.u;
INSERT INTO shop.t VALUES (8, 8);
-- point
