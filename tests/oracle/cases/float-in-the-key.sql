-- A dump writes FLOAT with six digits, the log has all of them: such a key cannot be looked up.
-- refused: shop.t: FLOAT
CREATE DATABASE shop;
CREATE TABLE shop.t (f FLOAT PRIMARY KEY, v INT);
CREATE TABLE shop.other (id INT PRIMARY KEY, f FLOAT);
INSERT INTO shop.t VALUES (16777217, 1), (0.1, 2);
INSERT INTO shop.other VALUES (1, 0.5), (2, 1.1);
-- baseline
UPDATE shop.other SET f = 16777216 WHERE id = 1;
UPDATE shop.t SET v = 3 WHERE v = 1;
-- point
