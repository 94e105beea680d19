-- Texts that are JSON, SQL or NULL to a careless reader, and rows that a search for `),(` would cut.
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, v TEXT, b BLOB, c VARCHAR(40) NOT NULL DEFAULT '');
INSERT INTO shop.t VALUES (1, 'false', 'false', 'NULL'), (2, NULL, NULL, ''), (3, '', '', 'null'), (4, '{"b":1,"a":[2]}', '0x41', '1e3');
INSERT INTO shop.t VALUES (5, '),(6,''x'',', ') VALUES (', ' VALUES\n(9)'), (6, 'a;\nINSERT INTO `t` VALUES (7);', X'00271A22275C0A0D00', '_binary ''x''');
INSERT INTO shop.t VALUES (7, '\\', '\\\\', 'it''s "so" \\'), (8, '-- no comment', '/* none */', '#');
-- baseline
-- point
UPDATE shop.t SET v = 'true' WHERE id = 1;
UPDATE shop.t SET v = 'NULL', b = '' WHERE id = 2;
UPDATE shop.t SET v = NULL WHERE id = 3;
INSERT INTO shop.t VALUES (9, '0', 'b''1''', '00'), (10, '),(', X'5C', '\\');
DELETE FROM shop.t WHERE id IN (4, 8);
-- point
