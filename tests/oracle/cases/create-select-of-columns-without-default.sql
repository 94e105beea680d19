-- CREATE … SELECT takes over that a column has no default, not even NULL; the server writes the definition without one.
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, a INT, b VARCHAR(9) NULL, c DATE, d TEXT, e ENUM('x'));
INSERT INTO shop.t VALUES (1, 1, 'a', NULL, NULL, NULL);
-- baseline
ALTER TABLE shop.t ALTER COLUMN a DROP DEFAULT, ALTER COLUMN b DROP DEFAULT, ALTER COLUMN e DROP DEFAULT;
CREATE TABLE shop.s SELECT * FROM shop.t;
CREATE TABLE shop.u (
  id INT,
  a INT
);
INSERT INTO shop.u VALUES (1, NULL);
-- point
