-- What a foreign key says about its actions, and the index that it made, stay as they are when a parent's name or column changes.
CREATE DATABASE shop;
CREATE TABLE shop.p (id INT PRIMARY KEY, o INT, UNIQUE KEY o (o));
CREATE TABLE shop.c (id INT PRIMARY KEY, `p id` INT, FOREIGN KEY (`p id`) REFERENCES shop.p (id) ON DELETE NO ACTION ON UPDATE RESTRICT);
CREATE TABLE shop.d (id INT PRIMARY KEY, x INT, CONSTRAINT named FOREIGN KEY (x) REFERENCES shop.p (id) ON DELETE RESTRICT ON UPDATE CASCADE);
CREATE TABLE shop.e (id INT PRIMARY KEY, x INT, y INT, CONSTRAINT e1 FOREIGN KEY (x) REFERENCES shop.p (o) ON DELETE SET NULL ON UPDATE NO ACTION);
INSERT INTO shop.p VALUES (1, 1), (2, 2);
INSERT INTO shop.c VALUES (1, 1);
INSERT INTO shop.d VALUES (1, 2);
INSERT INTO shop.e VALUES (1, 2, 1);
-- baseline
CREATE TABLE shop.m (id INT PRIMARY KEY, `p id` INT, x INT, FOREIGN KEY (`p id`) REFERENCES shop.p (id) ON DELETE RESTRICT ON UPDATE RESTRICT, FOREIGN KEY (x) REFERENCES shop.p (o) ON DELETE NO ACTION);
INSERT INTO shop.m VALUES (1, 1, 2);
ALTER TABLE shop.e ADD CONSTRAINT e2 FOREIGN KEY (y) REFERENCES shop.p (id) ON DELETE RESTRICT;
-- point
RENAME TABLE shop.p TO shop.q;
-- point
ALTER TABLE shop.q CHANGE COLUMN id qid INT;
ALTER TABLE shop.m RENAME TO shop.n;
INSERT INTO shop.n VALUES (2, NULL, 1);
-- point
ALTER TABLE shop.q ADD COLUMN later INT FIRST;
UPDATE shop.d SET x = 1;
-- point
