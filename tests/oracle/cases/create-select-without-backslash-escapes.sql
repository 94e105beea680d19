-- The server writes the definition of a CREATE … SELECT with backslashes, also in a session in which they mean nothing.
CREATE DATABASE shop CHARACTER SET utf8mb4;
CREATE TABLE shop.t (id INT PRIMARY KEY, w VARCHAR(9) DEFAULT 'a\\b' COMMENT 'line\nand\\more', v BINARY(3) NULL DEFAULT X'000000');
INSERT INTO shop.t (id) VALUES (1);
-- baseline
SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES';
CREATE TABLE shop.s SELECT * FROM shop.t;
INSERT INTO shop.s (id) VALUES (2);
SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES';
CREATE TABLE shop.q SELECT id, w FROM shop.t;
SET SESSION sql_mode = DEFAULT;
INSERT INTO shop.s (id) VALUES (3);
INSERT INTO shop.q (id) VALUES (3);
-- point
