-- A definition that is no UTF-8 as a whole, because of a binary default, has members beyond ASCII.
-- server: mariadb
-- open: the members become other texts
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, e ENUM('a','é') CHARACTER SET latin1, b BINARY(3) NOT NULL DEFAULT X'0100FF');
INSERT INTO shop.t (id, e) VALUES (1, 'é');
-- baseline
-- point
