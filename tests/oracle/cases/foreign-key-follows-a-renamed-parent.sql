-- A RENAME of a parent changes the definition of its children, which no statement names.
CREATE DATABASE shop;
CREATE TABLE shop.parent (id INT PRIMARY KEY);
CREATE TABLE shop.other (id INT PRIMARY KEY);
CREATE TABLE shop.child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES shop.parent (id));
INSERT INTO shop.parent VALUES (1);
INSERT INTO shop.child VALUES (1, 1);
-- baseline
RENAME TABLE shop.parent TO shop.x, shop.other TO shop.parent, shop.x TO shop.other;
-- point
