-- A 0 that stands in an AUTO_INCREMENT column is loaded as 0, also where mydumper sets no SQL mode for it.
CREATE DATABASE shop;
CREATE TABLE shop.copied (id INT AUTO_INCREMENT PRIMARY KEY, d DATE NOT NULL);
CREATE TABLE shop.changed (id INT AUTO_INCREMENT PRIMARY KEY, d DATE NOT NULL);
SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
INSERT INTO shop.copied VALUES (0, '0000-00-00'), (1, '2024-01-01'), (27, '2024-00-01');
INSERT INTO shop.changed VALUES (0, '0000-00-00'), (1, '2024-01-01');
SET SESSION sql_mode = DEFAULT;
-- baseline
INSERT INTO shop.changed (d) VALUES ('2024-02-02');
-- point
