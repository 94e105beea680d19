-- A foreign key makes an index of its own, which stays when the key is left behind by LIKE or named anew.
CREATE DATABASE shop;
CREATE TABLE shop.p (id INT PRIMARY KEY, o INT, UNIQUE KEY o (o));
INSERT INTO shop.p VALUES (1, 1), (2, 2);
-- baseline
CREATE TABLE shop.c (id INT PRIMARY KEY, `p id` INT, FOREIGN KEY (`p id`) REFERENCES shop.p (id) ON DELETE NO ACTION ON UPDATE RESTRICT);
INSERT INTO shop.c VALUES (1, 1);
CREATE TABLE shop.l LIKE shop.c;
INSERT INTO shop.l VALUES (1, 9);
CREATE TABLE shop.k (id INT PRIMARY KEY, x INT, y INT, CONSTRAINT named FOREIGN KEY (x) REFERENCES shop.p (id) ON DELETE NO ACTION);
INSERT INTO shop.k VALUES (1, 1, 2);
-- point
ALTER TABLE shop.k ADD CONSTRAINT other FOREIGN KEY (y) REFERENCES shop.p (o) ON UPDATE NO ACTION;
CREATE TABLE shop.m LIKE shop.k;
RENAME TABLE shop.p TO shop.q;
-- point
ALTER TABLE shop.k ADD KEY longer (id, y);
INSERT INTO shop.m VALUES (1, 7, 8);
-- point
