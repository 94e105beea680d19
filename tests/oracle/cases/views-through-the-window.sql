-- Views are made, replaced, altered, renamed and dropped; one is made in another schema's session, one reads another, and
-- the columns of a table change behind a `*`.
CREATE DATABASE shop CHARACTER SET latin1;
CREATE DATABASE other;
CREATE TABLE shop.t (id INT PRIMARY KEY, v VARCHAR(20));
CREATE TABLE other.u (id INT PRIMARY KEY, w INT);
INSERT INTO shop.t VALUES (1, 'a'), (2, 'b');
INSERT INTO other.u VALUES (1, 1);
CREATE VIEW shop.untouched AS SELECT id, v FROM shop.t;
CREATE VIEW shop.replaced AS SELECT id FROM shop.t;
CREATE VIEW shop.altered (a, b) AS SELECT id, v FROM shop.t;
CREATE VIEW shop.`to rename` AS SELECT id, 'é' AS e FROM shop.t;
CREATE VIEW shop.dropped AS SELECT 1 AS one;
CREATE VIEW shop.of_a_view AS SELECT id FROM shop.replaced;
-- baseline
USE other;
CREATE OR REPLACE SQL SECURITY INVOKER VIEW shop.replaced AS SELECT id, w FROM u /* of the other schema */ WITH CHECK OPTION;
ALTER VIEW shop.altered AS SELECT v, id, id + 1 FROM shop.t -- to the end
;
USE shop;
RENAME TABLE `to rename` TO renamed;
DROP VIEW dropped, untouched;
CREATE VIEW untouched AS SELECT v FROM t;
-- point
SET SESSION sql_mode = 'ANSI_QUOTES';
CREATE VIEW "star" AS SELECT * FROM "t" "x" WHERE "v" <> ';';
CREATE VIEW two AS SELECT star.*, other.u.w AS "é" FROM star JOIN other.u ON star.id = other.u.id;
ALTER TABLE t ADD COLUMN n INT DEFAULT 5 FIRST;
SET SESSION sql_mode = DEFAULT;
CREATE VIEW late AS WITH c AS (SELECT id FROM t) SELECT c.id AS `strange name`, COUNT(*) FROM c GROUP BY c.id UNION ALL SELECT 1, 2;
-- point
DROP VIEW two;
DROP VIEW star, late;
-- point
