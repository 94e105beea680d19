-- The log leaves out the spaces behind a CHAR and the zero bytes behind a BINARY; a dump has them. Rows are found all the same.
CREATE DATABASE shop;
CREATE TABLE shop.b (k BINARY(6) PRIMARY KEY, v INT);
CREATE TABLE shop.c (k CHAR(6) CHARACTER SET latin1 COLLATE latin1_bin PRIMARY KEY, v INT);
CREATE TABLE shop.vb (k VARBINARY(6) PRIMARY KEY, v INT);
INSERT INTO shop.b VALUES (X'010000000000', 1), (X'', 2), (X'000000000001', 3), (X'FFFFFFFFFFFF', 4), (X'200000000000', 5);
INSERT INTO shop.c VALUES ('a', 1), ('', 2), (' a', 3), ('a b', 4);
INSERT INTO shop.vb VALUES (X'01', 1), (X'0100', 2), (X'', 3), (X'00', 4);
-- baseline
DELETE FROM shop.b WHERE v IN (1, 2);
UPDATE shop.b SET k = X'02', v = 30 WHERE v = 3;
DELETE FROM shop.c WHERE v IN (1, 2);
UPDATE shop.c SET v = 30 WHERE v = 3;
DELETE FROM shop.vb WHERE v IN (1, 3);
UPDATE shop.vb SET k = CONCAT(k, X'00') WHERE v = 2;
-- point
INSERT INTO shop.b VALUES (X'01', 6), (X'00', 7);
INSERT INTO shop.c VALUES ('a', 6), ('', 7);
INSERT INTO shop.vb VALUES (X'01', 6), (X'0000', 7);
-- point
