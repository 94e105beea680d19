-- statements may fail
-- The image of a row that has defaults alone may have no bytes at all. MySQL takes no two of them at once.
CREATE DATABASE shop;
CREATE TABLE shop.t (a INT DEFAULT 5, b VARCHAR(9));
INSERT INTO shop.t VALUES (1, 'x');
-- baseline
SET SESSION binlog_row_image = MINIMAL;
INSERT INTO shop.t VALUES ();
-- point
INSERT INTO shop.t VALUES (), ();
-- point
INSERT INTO shop.t VALUES (DEFAULT, DEFAULT), (DEFAULT, DEFAULT), (DEFAULT, DEFAULT);
-- point
