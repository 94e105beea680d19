-- Texts of these types do not load as binary strings, which mydumper 0.10 makes of them with SET NAMES binary; in the log they
-- are bytes without the zeros at their end.
-- server: mariadb
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, u UUID, i INET6, j INET4);
INSERT INTO shop.t VALUES (1, '41bd3218-0000-11ee-8000-c72ce1f45e51', '2001:db8::1', '10.0.0.1'), (3, NULL, '::', '0.0.0.0');
CREATE TABLE shop.k (u UUID NOT NULL, i INET6 NOT NULL, j INET4 NOT NULL, n INT, PRIMARY KEY (u, i, j));
INSERT INTO shop.k VALUES ('00112233-4455-1677-8899-aabbccddee00', '::ffff:192.0.2.0', '1.2.3.0', 1), ('00000000-0000-0000-0000-000000000000', '::', '0.0.0.0', 2), ('00112233-4455-7677-0899-000000000000', 'fe80::', '255.255.255.255', 3);
CREATE TABLE shop.w (u UUID, i INET6, j INET4);
INSERT INTO shop.w VALUES ('ffffffff-ffff-4fff-8fff-ffffffffffff', '::0.1.0.5', NULL), (NULL, '1:0:0:4::8', '10.0.0.0'), (NULL, '1:0:0:4::8', '10.0.0.0');
CREATE TABLE shop.a (id INT PRIMARY KEY, u UUID, i INET6, j INET4 NOT NULL DEFAULT '10.0.0.9');
INSERT INTO shop.a VALUES (1, '41bd3218-0000-11ee-8000-c72ce1f45e51', '2001:db8::1', '10.0.0.1'), (2, NULL, NULL, '10.0.0.0');
-- baseline
-- point
INSERT INTO shop.t VALUES (2, '41bd3218-0000-11ee-8000-c72ce1f45e52', '::ffff:192.0.2.1', '255.0.0.1');
UPDATE shop.t SET u = NULL WHERE id = 1;
UPDATE shop.k SET n = n + 10 WHERE n < 3;
DELETE FROM shop.k WHERE n = 3;
DELETE FROM shop.w WHERE u IS NULL LIMIT 1;
UPDATE shop.w SET u = '00112233-4455-6677-8899-000000000000' WHERE u IS NOT NULL;
-- point
UPDATE shop.k SET u = '00112233-4455-f677-8899-aabbccddeeff', i = '::' WHERE n = 11;
ALTER TABLE shop.a ADD COLUMN v INT DEFAULT 3 FIRST, ADD COLUMN w UUID DEFAULT '41bd3218-0000-11ee-8000-c72ce1f45e99';
UPDATE shop.a SET u = '41bd3218-0000-11ee-8000-c72ce1f45e00' WHERE id = 2;
INSERT INTO shop.a (id, j) VALUES (3, '0.0.0.0');
ALTER TABLE shop.w ADD COLUMN i2 INET6;
-- point
DELETE FROM shop.w WHERE u IS NULL;
INSERT INTO shop.w VALUES (NULL, NULL, NULL, '::1');
-- point
