-- statements may fail
-- The index that a foreign key made goes when another one comes that begins with its columns, and of two foreign keys the later one's stays.
CREATE DATABASE shop;
CREATE TABLE shop.p (id INT PRIMARY KEY, o INT, UNIQUE KEY o (o));
INSERT INTO shop.p VALUES (1, 1), (2, 2);
CREATE TABLE shop.explicit (a INT, b INT, FOREIGN KEY (a) REFERENCES shop.p (id));
CREATE TABLE shop.named (a INT, b INT, CONSTRAINT nf FOREIGN KEY (a) REFERENCES shop.p (id));
CREATE TABLE shop.kept (a INT, b INT, KEY mine (a), CONSTRAINT kf FOREIGN KEY (a) REFERENCES shop.p (id));
INSERT INTO shop.explicit VALUES (1, 1);
INSERT INTO shop.named VALUES (1, 1);
INSERT INTO shop.kept VALUES (1, 1);
-- baseline
ALTER TABLE shop.explicit ADD COLUMN v DATETIME NULL, ADD INDEX n (a);
ALTER TABLE shop.named ADD KEY longer (a, b);
ALTER TABLE shop.kept ADD KEY longer (a, b);
CREATE TABLE shop.l LIKE shop.explicit;
INSERT INTO shop.l VALUES (1, 1, NULL);
-- point
CREATE TABLE shop.t1 (a INT, b INT, FOREIGN KEY (a) REFERENCES shop.p (id), KEY x (b));
ALTER TABLE shop.t1 ADD KEY (a);
CREATE TABLE shop.t2 (a INT, b INT, FOREIGN KEY (a) REFERENCES shop.p (id), CONSTRAINT t2g FOREIGN KEY (a) REFERENCES shop.p (o));
ALTER TABLE shop.t2 ADD CONSTRAINT t2h FOREIGN KEY (a) REFERENCES shop.p (id), ADD KEY z (b);
CREATE TABLE shop.t3 (a INT, b INT, FOREIGN KEY (a) REFERENCES shop.p (id));
ALTER TABLE shop.t3 RENAME INDEX a TO z;
ALTER TABLE shop.t3 ADD KEY k (a, b);
CREATE TABLE shop.t4x (a INT, b INT, CONSTRAINT t4f FOREIGN KEY (a) REFERENCES shop.p (id));
CREATE TABLE shop.t4 LIKE shop.t4x;
CREATE UNIQUE INDEX k ON shop.t4 (a, b);
INSERT INTO shop.t4 VALUES (9, 9);
CREATE TABLE shop.t5 (a INT, b INT, FOREIGN KEY (a) REFERENCES shop.p (id));
ALTER TABLE shop.t5 CHANGE COLUMN a z INT;
ALTER TABLE shop.t5 ADD PRIMARY KEY (z, b);
INSERT INTO shop.t5 VALUES (1, 1);
CREATE TABLE shop.t6 (a INT, b INT, KEY y (a, b), FOREIGN KEY (b) REFERENCES shop.p (id));
ALTER TABLE shop.t6 DROP COLUMN a;
CREATE TABLE shop.t7 (a INT, b INT, FOREIGN KEY (a) REFERENCES shop.p (id));
ALTER TABLE shop.t7 ADD KEY a (a, b), ADD COLUMN c INT, ADD FOREIGN KEY (c) REFERENCES shop.p (o), ADD KEY w (b, c);
CREATE TABLE shop.t8 (a INT, b INT, KEY k (a DESC), FOREIGN KEY (a) REFERENCES shop.p (id));
ALTER TABLE shop.t8 ADD KEY h (a) USING HASH;
CREATE TABLE shop.t9 (a INT, b INT, CONSTRAINT FOREIGN KEY second (b) REFERENCES shop.p (o));
ALTER TABLE shop.t9 DROP FOREIGN KEY t9_ibfk_1;
ALTER TABLE shop.t9 DROP FOREIGN KEY second;
ALTER TABLE shop.t9 ADD KEY last (b);
ALTER TABLE shop.t2 DROP CONSTRAINT t2g;
ALTER TABLE shop.p RENAME TO shop.q;
INSERT INTO shop.t1 VALUES (2, 2);
-- point
