-- Texts of these types do not load as binary strings, which mydumper 0.10 makes of them with SET NAMES binary.
-- server: mariadb
-- open: the rows are copied as they are, and load as NULL
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, u UUID, i INET6, j INET4);
INSERT INTO shop.t VALUES (1, '41bd3218-0000-11ee-8000-c72ce1f45e51', '2001:db8::1', '10.0.0.1');
-- baseline
-- point
INSERT INTO shop.t VALUES (2, '41bd3218-0000-11ee-8000-c72ce1f45e52', '::ffff:192.0.2.1', '255.0.0.1');
UPDATE shop.t SET u = NULL WHERE id = 1;
-- point
