-- server: mariadb
-- open: the definition does not load under SET NAMES binary
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, u UUID DEFAULT '00000000-0000-0000-0000-000000000001');
INSERT INTO shop.t (id) VALUES (1);
-- baseline
-- point
