-- server: mysql
-- A definition to which the server adds an invisible primary key is logged in UTF-8, whatever its client's characters are.
SET SESSION sql_generate_invisible_primary_key = ON;
CREATE DATABASE shop CHARACTER SET utf8mb4;
-- baseline
SET NAMES latin1;
CREATE TABLE shop.t (
  `日` MEDIUMBLOB NULL,
  w VARCHAR(9) DEFAULT 'é' COMMENT 'ö'
);
INSERT INTO shop.t (w) VALUES ('a');
SET NAMES utf8mb4;
-- point
