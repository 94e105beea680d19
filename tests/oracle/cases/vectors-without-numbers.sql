-- server: mysql
-- refused: shop.t: vectors without numbers
-- A VECTOR column that is added as NOT NULL has values in the rows that are there which no literal makes.
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY);
CREATE TABLE shop.n (id INT PRIMARY KEY);
INSERT INTO shop.t VALUES (1);
INSERT INTO shop.n VALUES (1);
-- baseline
ALTER TABLE shop.t ADD COLUMN v VECTOR(3) NOT NULL;
ALTER TABLE shop.n ADD COLUMN v VECTOR(3);
CREATE TABLE shop.e (id INT PRIMARY KEY);
ALTER TABLE shop.e ADD COLUMN v VECTOR(2) NOT NULL;
INSERT INTO shop.e VALUES (1, TO_VECTOR('[1,2]'));
-- point
