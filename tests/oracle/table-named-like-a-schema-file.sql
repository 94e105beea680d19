-- mydumper 0.10's data file of `t-schema` has the name of the definition of `t`: told apart by what is in it, or refused.
-- server: mariadb
-- open: the whole baseline is refused for a name that its files' first lines could settle
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
