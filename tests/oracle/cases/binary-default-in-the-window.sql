-- A client with binary strings sends the bytes of a binary default. In a definition that MariaDB writes itself it puts `?`
-- in the place of bytes.
-- server: mariadb
-- refused: shop.s: in the place of bytes in the default
CREATE DATABASE shop CHARACTER SET latin1;
CREATE TABLE shop.t (id INT PRIMARY KEY, w VARBINARY(30) DEFAULT X'00FF', e ENUM('a','é'));
INSERT INTO shop.t VALUES (1, X'FE', 'é');
-- baseline
CREATE TABLE shop.s SELECT * FROM shop.t;
CREATE TABLE shop.u SELECT id, e FROM shop.t;
CREATE TABLE shop.v (e ENUM('a','é'), w VARBINARY(30) DEFAULT X'FF00');
INSERT INTO shop.u (id, e) VALUES (2, 'é');
INSERT INTO shop.v (e) VALUES ('é');
-- point
