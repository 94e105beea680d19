-- A server shows a routine in the quotes of the mode in which it was made, which no dump tells.
CREATE DATABASE `odd db` CHARACTER SET utf8mb4;
SET SESSION sql_mode = 'ANSI_QUOTES';
CREATE PROCEDURE `odd db`.`proc 1`() SELECT 1;
-- baseline
-- point
