-- Rows of tables without a key are matched by what the dump has of a FLOAT, and by the text of JSON.
CREATE DATABASE shop;
CREATE TABLE shop.f (a FLOAT, b FLOAT(8,2) NOT NULL, n INT);
INSERT INTO shop.f VALUES (1.5, 2.25, 1), (1.5, 2.25, 1), (0.1, -0.01, 2), (NULL, 0, 3), (123456, 1e5, NULL), (1e20, 3, 4);
CREATE TABLE shop.j (j JSON, n INT NOT NULL);
INSERT INTO shop.j VALUES ('{"b": 1, "aa": [1.5, 1e300, -0.0, "x\\"y"]}', 1), ('[]', 1), ('[]', 1), (NULL, 2), ('null', 2), ('1e15', 3), ('18446744073709551615', 4);
CREATE TABLE shop.k (f FLOAT NOT NULL PRIMARY KEY, n INT);
INSERT INTO shop.k VALUES (0.1, 1), (16777200, 2), (-3.5, 3);
-- baseline
-- point
DELETE FROM shop.f WHERE n = 1 LIMIT 1;
INSERT INTO shop.f VALUES (16777217, 1, 5), (16777218, 1, 5), (16777218, 1, 5), (0.1, 0, 6);
UPDATE shop.f SET n = 7 WHERE n IN (2, 3);
-- point
DELETE FROM shop.f WHERE a = 16777218 LIMIT 1;
DELETE FROM shop.f WHERE a = 16777216;
UPDATE shop.f SET a = a * 3 WHERE n IS NULL;
INSERT INTO shop.f VALUES (1.5, 2.25, 1);
DELETE FROM shop.f WHERE n = 1;
UPDATE shop.j SET n = 9 WHERE n = 1;
DELETE FROM shop.j WHERE n = 9 LIMIT 1;
DELETE FROM shop.j WHERE n = 2 AND j IS NOT NULL OR n = 4;
UPDATE shop.j SET j = '[1, {"a": 0.30000000000000004}]' WHERE n = 3;
UPDATE shop.k SET n = n + 1;
UPDATE shop.k SET f = f + 1 WHERE f = 16777200;
DELETE FROM shop.k WHERE f < 0;
-- point
