-- Session time zones, zero dates, and names in another session's character set.
CREATE DATABASE shop;
CREATE TABLE shop.t (id INT PRIMARY KEY, ts TIMESTAMP(3) NULL, d DATE, b BIT(64), f DOUBLE);
SET SESSION sql_mode = '';
SET SESSION time_zone = '+05:30';
INSERT INTO shop.t VALUES (1, '2024-03-31 02:30:00.125', '0000-00-00', b'1', 0.1), (2, NULL, '2024-00-10', 18446744073709551615, 1e308);
-- baseline
-- point
SET SESSION time_zone = '-11:00';
UPDATE shop.t SET ts = '2024-03-31 02:30:00.125', f = -0e0 WHERE id = 2;
INSERT INTO shop.t VALUES (-3, '0000-00-00 00:00:00', '9999-12-31', 9223372036854775808, 4.9e-324);
-- point
