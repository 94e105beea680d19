-- A view names a column that is invisible, or was made so, and goes away or gets another name later; or its `*` stands for it.
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, a INT, b INT);
CREATE TABLE shop.u (id INT PRIMARY KEY, c INT INVISIBLE);
CREATE VIEW shop.baselines AS SELECT c FROM shop.u;
-- server: mariadb
-- baseline
CREATE VIEW shop.kept AS SELECT a FROM shop.t;
CREATE VIEW shop.late AS SELECT c FROM shop.u;
ALTER TABLE shop.t MODIFY a INT INVISIBLE;
CREATE VIEW shop.gone AS SELECT a, b FROM shop.t;
CREATE VIEW shop.everything AS SELECT * FROM shop.t x;
-- point
ALTER TABLE shop.t DROP COLUMN b;
ALTER TABLE shop.u RENAME COLUMN c TO d;
-- point
-- refused: shop.everything: it uses the column
-- refused: shop.gone: it uses the column
-- refused: shop.late: it uses the column
-- refused: shop.baselines: it uses the column
