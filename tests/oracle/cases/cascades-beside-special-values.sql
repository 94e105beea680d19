-- Rows that are lived through, since cascades come for them, beside values that a dump and a log write in different forms.
-- server: mariadb
CREATE DATABASE shop;
CREATE TABLE shop.p (id INT PRIMARY KEY);
CREATE TABLE shop.addresses (id INT PRIMARY KEY, p INT, u UUID, a INET6, f FLOAT, FOREIGN KEY (p) REFERENCES shop.p (id) ON DELETE SET NULL ON UPDATE CASCADE);
CREATE TABLE shop.documents (p INT, j JSON, FOREIGN KEY (p) REFERENCES shop.p (id) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE shop.members (f FLOAT PRIMARY KEY, p INT, e ENUM('ä', 'b'), FOREIGN KEY (p) REFERENCES shop.p (id) ON UPDATE CASCADE);
INSERT INTO shop.p VALUES (1), (2), (3), (4);
INSERT INTO shop.addresses VALUES (1, 1, UUID(), '::1', 0.1), (2, 2, '123e4567-e89b-12d3-a456-426655440000', '2001:db8::ff', 1e10), (3, 3, NULL, NULL, NULL);
INSERT INTO shop.documents VALUES (1, '{"a": 1}'), (1, '{"a": 1}'), (2, '[ 1,2 ]'), (3, NULL), (3, '"x"');
INSERT INTO shop.members VALUES (0.1, 1, 'ä'), (1e-20, 2, 'b'), (123456, 4, 'ä');
-- baseline
DELETE FROM shop.p WHERE id = 3;
UPDATE shop.p SET id = 40 WHERE id = 4;
-- point
INSERT INTO shop.documents VALUES (2, '[ 1,2 ]'), (2, '{"b": "ü"}');
UPDATE shop.addresses SET a = '10::' WHERE id = 2;
UPDATE shop.p SET id = 20 WHERE id = 2;
DELETE FROM shop.documents WHERE j = '[ 1,2 ]' LIMIT 1;
-- point
DELETE FROM shop.addresses WHERE id = 3;
UPDATE shop.p SET id = 10 WHERE id = 1;
ALTER TABLE shop.members MODIFY e ENUM('b', 'c', 'ä');
UPDATE shop.members SET e = 'c' WHERE p = 10;
UPDATE shop.p SET id = 11 WHERE id = 10;
-- point
