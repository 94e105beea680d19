-- The log leaves away the zeros at the end of BINARY values; as VARBINARY and BLOB they count.
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, b BINARY(4), c BINARY(3) NOT NULL);
INSERT INTO shop.t VALUES (1, X'00', X'01'), (2, NULL, X'');
CREATE TABLE shop.w (b BINARY(4), n INT);
INSERT INTO shop.w VALUES (X'01', 1), (X'', 2);
-- baseline
INSERT INTO shop.t VALUES (3, X'0100', X'0000'), (4, X'', X'FF');
UPDATE shop.t SET c = X'02' WHERE id = 1;
INSERT INTO shop.w VALUES (X'0200', 3), (X'', 4);
ALTER TABLE shop.t MODIFY b VARBINARY(4), MODIFY c BLOB NOT NULL;
ALTER TABLE shop.w MODIFY b VARBINARY(9);
-- point
DELETE FROM shop.w WHERE n IN (2, 3);
UPDATE shop.w SET n = 9 WHERE n = 4;
-- point
