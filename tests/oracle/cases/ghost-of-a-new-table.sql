-- An online schema change of a table that was made behind the baseline, without a row.
CREATE DATABASE shop;
CREATE TABLE shop.a (id INT PRIMARY KEY);
INSERT INTO shop.a VALUES (1);
-- baseline
CREATE TABLE shop.t LIKE shop.a;
CREATE TABLE shop._t_gho LIKE shop.t;
ALTER TABLE shop._t_gho ADD COLUMN v INT;
RENAME TABLE shop.t TO shop._t_del, shop._t_gho TO shop.t;
DROP TABLE shop._t_del;
-- point
