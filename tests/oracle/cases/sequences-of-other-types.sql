-- Since MariaDB 11.5 a sequence can be of another type than BIGINT.
-- server: mariadb-11.8
-- open: each sequence that changed is written as one of BIGINT
CREATE DATABASE shop;
USE shop;
CREATE SEQUENCE kept AS SMALLINT UNSIGNED CACHE 5;
CREATE SEQUENCE used AS INT UNSIGNED CACHE 5;
DO NEXTVAL(kept), NEXTVAL(used);
-- baseline
CREATE SEQUENCE made AS BIGINT UNSIGNED START WITH 5;
CREATE SEQUENCE small AS TINYINT INCREMENT BY -1 CACHE 3;
DO NEXTVAL(made), NEXTVAL(used), NEXTVAL(small);
DO SETVAL(made, 18446744073709551000);
RENAME TABLE used TO used2;
-- point
