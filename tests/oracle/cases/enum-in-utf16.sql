-- Members of ENUM and SET and defaults are read as bytes of the column's own character set under SET NAMES binary.
-- server: mariadb
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, e ENUM('a','B c') CHARACTER SET utf16 DEFAULT 'B c', s SET('x','yz') CHARACTER SET ucs2);
INSERT INTO shop.t VALUES (1, 'B c', 'x,yz'), (2, 'a', '');
-- baseline
-- point
