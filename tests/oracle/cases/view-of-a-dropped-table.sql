-- A view that reads what is not there any more cannot be loaded; it is left out by name, and those that read it.
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, v INT);
CREATE TABLE shop.u (id INT PRIMARY KEY, v INT);
CREATE VIEW shop.v AS SELECT id FROM shop.t;
CREATE VIEW shop.vv AS SELECT id FROM shop.v;
CREATE VIEW shop.narrow AS SELECT id, v FROM shop.u;
CREATE VIEW shop.kept AS SELECT id AS v FROM shop.u;
-- baseline
DROP TABLE shop.t;
ALTER TABLE shop.u DROP COLUMN v;
-- point
-- refused: shop.v: it reads shop.t
-- refused: shop.vv: it reads shop.v
-- refused: shop.narrow: it uses the column
