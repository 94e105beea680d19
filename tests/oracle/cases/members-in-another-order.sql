-- Members beyond ASCII are written by their texts, in the column's own character set: their numbers mean others later.
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, e ENUM('a','é','€') CHARACTER SET latin1, s SET('ö','x','ü') CHARACTER SET utf8mb4);
INSERT INTO shop.t VALUES (1, 'é', 'ö,ü'), (2, '€', 'x'), (3, 'a', '');
CREATE TABLE shop.u (id INT PRIMARY KEY, e ENUM('a','é','€') CHARACTER SET utf16, s SET('ö','x','ü') CHARACTER SET ucs2);
INSERT INTO shop.u VALUES (1, 'é', 'ö,ü'), (2, '€', 'x'), (3, 'a', '');
CREATE TABLE shop.w (e ENUM('a','é','€') CHARACTER SET utf16, s SET('ö','x','ü') CHARACTER SET latin1);
INSERT INTO shop.w VALUES ('é', 'ö,ü'), ('€', 'x'), ('a', '');
-- baseline
UPDATE shop.t SET s = 'ö,x,ü' WHERE id = 1;
UPDATE shop.u SET s = 'ö,x,ü' WHERE id = 1;
INSERT INTO shop.t VALUES (4, 'é', 'ü');
INSERT INTO shop.u VALUES (4, 'é', 'ü');
DELETE FROM shop.w WHERE e = 'é';
INSERT INTO shop.w VALUES ('€', 'ü');
-- point
ALTER TABLE shop.t MODIFY e ENUM('€','ç','a','é') CHARACTER SET latin1, MODIFY s SET('ü','ö','x') CHARACTER SET utf8mb4;
ALTER TABLE shop.u MODIFY e ENUM('€','ç','a','é') CHARACTER SET utf16, MODIFY s SET('ü','ö','x') CHARACTER SET ucs2;
ALTER TABLE shop.w MODIFY e ENUM('€','ç','a','é') CHARACTER SET utf16;
UPDATE shop.t SET e = 'ç' WHERE id = 3;
INSERT INTO shop.u VALUES (5, 'ç', 'ö,ü');
-- point
DELETE FROM shop.w WHERE e = 'a';
INSERT INTO shop.w VALUES ('ç', 'ö');
-- point
