-- MySQL 9 and MariaDB take REFERENCES at a column for a foreign key.
CREATE DATABASE shop;
CREATE TABLE shop.p (id INT PRIMARY KEY);
INSERT INTO shop.p VALUES (1), (2);
-- baseline
CREATE TABLE shop.c (id INT PRIMARY KEY, p INT REFERENCES shop.p (id) ON DELETE RESTRICT);
INSERT INTO shop.c VALUES (1, 1);
ALTER TABLE shop.c ADD COLUMN q INT NULL REFERENCES shop.p (id);
-- point
RENAME TABLE shop.p TO shop.r;
CREATE TABLE shop.l LIKE shop.c;
-- point
