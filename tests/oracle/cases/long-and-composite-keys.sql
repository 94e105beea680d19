-- Keys of several texts with separators in them, keys that differ behind their 512th character, in case or in accents only.
CREATE DATABASE shop;
CREATE TABLE shop.pairs (a VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, b VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, v INT, PRIMARY KEY (a, b));
CREATE TABLE shop.longs (k VARCHAR(700) CHARACTER SET latin1 COLLATE latin1_bin PRIMARY KEY, v INT);
CREATE TABLE shop.folded (k VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY, v INT);
CREATE TABLE shop.times (k DATETIME(6), t TIME(3), v INT, PRIMARY KEY (k, t));
INSERT INTO shop.pairs VALUES ('a,b', 'c', 1), ('a', 'b,c', 2), ('a\0', 'b', 3), ('a', '\0b', 4), ('', 'ab', 5), ('ab', '', 6), ('''', '"', 7);
INSERT INTO shop.longs VALUES (CONCAT(REPEAT('x', 600), 'a'), 1), (CONCAT(REPEAT('x', 600), 'b'), 2), (REPEAT('x', 600), 3);
INSERT INTO shop.folded VALUES ('strasse', 1), ('muller', 2), ('ABC', 3);
INSERT INTO shop.times VALUES ('2024-02-29 23:59:59.999999', '-00:00:00.001', 1), ('2024-02-29 23:59:59.999998', '838:59:59', 2), ('1000-01-01 00:00:00', '00:00:00', 3);
-- baseline
DELETE FROM shop.pairs WHERE v IN (1, 3, 5);
UPDATE shop.pairs SET a = 'a,b', b = 'c' WHERE v = 2;
DELETE FROM shop.longs WHERE v = 1;
UPDATE shop.longs SET v = 20 WHERE v = 2;
UPDATE shop.folded SET k = 'Muller' WHERE k = 'muller';
UPDATE shop.folded SET k = 'müller' WHERE k = 'Muller';
UPDATE shop.folded SET k = 'abc' WHERE k = 'ABC';
UPDATE shop.times SET k = '2024-02-29 23:59:59.999997' WHERE v = 1;
DELETE FROM shop.times WHERE v = 2;
-- point
INSERT INTO shop.longs VALUES (CONCAT(REPEAT('x', 600), 'a'), 9);
INSERT INTO shop.folded VALUES ('Strasse2', 4);
-- point
