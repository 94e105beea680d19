-- mydumper 0.10 gives the data file of `t-schema` and the definition of `t` one name, and writes both to it: no other table is
-- the worse for it.
-- server: mariadb
-- refused: shop.t: is for it and for the table
-- refused: shop.t-schema: is for it and for the table
CREATE DATABASE shop;
CREATE TABLE shop.`t-schema` (id INT PRIMARY KEY);
CREATE TABLE shop.t (id INT PRIMARY KEY);
CREATE TABLE shop.other (id INT PRIMARY KEY);
INSERT INTO shop.`t-schema` VALUES (1);
INSERT INTO shop.t VALUES (1);
-- baseline
INSERT INTO shop.`t-schema` VALUES (2);
INSERT INTO shop.other VALUES (2);
-- point
