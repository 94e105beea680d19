# columns come, go and move
;;
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` varchar(10) COLLATE utf8mb4_bin DEFAULT NULL,
  `c` date DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD d int FIRST, ADD COLUMN e int AFTER b, ADD f text
=>
CREATE TABLE `t` (
  `d` int DEFAULT NULL,
  `a` int DEFAULT NULL,
  `b` varchar(10) COLLATE utf8mb4_bin DEFAULT NULL,
  `e` int DEFAULT NULL,
  `c` date DEFAULT NULL,
  `f` text COLLATE utf8mb4_bin
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD COLUMN (g int, h bigint unsigned NOT NULL)
=>
CREATE TABLE `t` (
  `d` int DEFAULT NULL,
  `a` int DEFAULT NULL,
  `b` varchar(10) COLLATE utf8mb4_bin DEFAULT NULL,
  `e` int DEFAULT NULL,
  `c` date DEFAULT NULL,
  `f` text COLLATE utf8mb4_bin,
  `g` int DEFAULT NULL,
  `h` bigint unsigned NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP a, DROP COLUMN c
=>
CREATE TABLE `t` (
  `d` int DEFAULT NULL,
  `b` varchar(10) COLLATE utf8mb4_bin DEFAULT NULL,
  `e` int DEFAULT NULL,
  `f` text COLLATE utf8mb4_bin,
  `g` int DEFAULT NULL,
  `h` bigint unsigned NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t MODIFY h bigint FIRST, CHANGE b bb varchar(20) NOT NULL AFTER f
=>
CREATE TABLE `t` (
  `h` bigint DEFAULT NULL,
  `d` int DEFAULT NULL,
  `e` int DEFAULT NULL,
  `f` text COLLATE utf8mb4_bin,
  `bb` varchar(20) COLLATE utf8mb4_bin NOT NULL,
  `g` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# AFTER means names behind the statement, in the order of the clauses
;;
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL,
  `c` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD d int FIRST, ADD e int FIRST, MODIFY c int AFTER d, ADD f int AFTER c
=>
CREATE TABLE `t` (
  `e` int DEFAULT NULL,
  `d` int DEFAULT NULL,
  `c` int DEFAULT NULL,
  `f` int DEFAULT NULL,
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD i int AFTER c, MODIFY c int FIRST
=>
CREATE TABLE `t` (
  `c` int DEFAULT NULL,
  `e` int DEFAULT NULL,
  `d` int DEFAULT NULL,
  `i` int DEFAULT NULL,
  `f` int DEFAULT NULL,
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t CHANGE c cc int AFTER f, ADD j int AFTER cc
=>
CREATE TABLE `t` (
  `e` int DEFAULT NULL,
  `d` int DEFAULT NULL,
  `i` int DEFAULT NULL,
  `f` int DEFAULT NULL,
  `cc` int DEFAULT NULL,
  `j` int DEFAULT NULL,
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# two columns exchange their names
;;
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` varchar(5) COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (`b`),
  UNIQUE KEY `u` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t RENAME COLUMN a TO b, RENAME COLUMN b TO a
=>
CREATE TABLE `t` (
  `b` int DEFAULT NULL,
  `a` varchar(5) COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (`a`),
  UNIQUE KEY `u` (`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t CHANGE a b varchar(6), CHANGE b a bigint
=>
CREATE TABLE `t` (
  `a` bigint DEFAULT NULL,
  `b` varchar(6) COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (`b`),
  UNIQUE KEY `u` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# a column goes and its namesake takes its place in the keys
;;
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int NOT NULL,
  `c` int NOT NULL,
  PRIMARY KEY (`b`,`c`),
  UNIQUE KEY `u` (`a`,`b`),
  UNIQUE KEY `f` (`c`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP COLUMN c, ADD COLUMN c varchar(9) NOT NULL
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int NOT NULL,
  `c` varchar(9) COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (`b`,`c`(4)),
  UNIQUE KEY `f` (`c`(4)),
  UNIQUE KEY `u` (`a`,`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t RENAME COLUMN a TO z, ADD COLUMN a int
=>
CREATE TABLE `t` (
  `z` int DEFAULT NULL,
  `b` int NOT NULL,
  `c` varchar(9) COLLATE utf8mb4_bin NOT NULL,
  `a` int DEFAULT NULL,
  PRIMARY KEY (`b`,`c`(4)),
  UNIQUE KEY `f` (`c`(4)),
  UNIQUE KEY `u` (`z`,`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# names of keys
;;
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL,
  UNIQUE KEY `a` (`a`),
  UNIQUE KEY `a_2` (`a`,`b`),
  UNIQUE KEY `b_2` (`b`),
  KEY `b` (`b`),
  KEY `a_2x` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD UNIQUE (a), ADD KEY (a), ADD CONSTRAINT con UNIQUE (b, a)
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL,
  UNIQUE KEY `a` (`a`),
  UNIQUE KEY `a_2` (`a`,`b`),
  UNIQUE KEY `b_2` (`b`),
  UNIQUE KEY `a_3` (`a`),
  UNIQUE KEY `con` (`b`,`a`),
  KEY `b` (`b`),
  KEY `a_2x` (`a`),
  KEY `a_4` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP KEY a, ADD UNIQUE KEY (a)
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL,
  UNIQUE KEY `a` (`a`),
  UNIQUE KEY `a_2` (`a`,`b`),
  UNIQUE KEY `b_2` (`b`),
  UNIQUE KEY `a_3` (`a`),
  UNIQUE KEY `con` (`b`,`a`),
  KEY `b` (`b`),
  KEY `a_2x` (`a`),
  KEY `a_4` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t RENAME INDEX con TO c2, RENAME KEY b TO con
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL,
  UNIQUE KEY `a` (`a`),
  UNIQUE KEY `a_2` (`a`,`b`),
  UNIQUE KEY `b_2` (`b`),
  UNIQUE KEY `a_3` (`a`),
  UNIQUE KEY `c2` (`b`,`a`),
  KEY `con` (`b`),
  KEY `a_2x` (`a`),
  KEY `a_4` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t MODIFY b int UNIQUE
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL,
  UNIQUE KEY `a` (`a`),
  UNIQUE KEY `a_2` (`a`,`b`),
  UNIQUE KEY `b_2` (`b`),
  UNIQUE KEY `a_3` (`a`),
  UNIQUE KEY `c2` (`b`,`a`),
  UNIQUE KEY `b` (`b`),
  KEY `con` (`b`),
  KEY `a_2x` (`a`),
  KEY `a_4` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
CREATE UNIQUE INDEX `odd ``name` ON t (b)
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL,
  UNIQUE KEY `a` (`a`),
  UNIQUE KEY `a_2` (`a`,`b`),
  UNIQUE KEY `b_2` (`b`),
  UNIQUE KEY `a_3` (`a`),
  UNIQUE KEY `c2` (`b`,`a`),
  UNIQUE KEY `b` (`b`),
  UNIQUE KEY `odd ``name` (`b`),
  KEY `con` (`b`),
  KEY `a_2x` (`a`),
  KEY `a_4` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
DROP INDEX `odd ``name` ON t
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL,
  UNIQUE KEY `a` (`a`),
  UNIQUE KEY `a_2` (`a`,`b`),
  UNIQUE KEY `b_2` (`b`),
  UNIQUE KEY `a_3` (`a`),
  UNIQUE KEY `c2` (`b`,`a`),
  UNIQUE KEY `b` (`b`),
  KEY `con` (`b`),
  KEY `a_2x` (`a`),
  KEY `a_4` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
DROP INDEX a_2x ON t
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL,
  UNIQUE KEY `a` (`a`),
  UNIQUE KEY `a_2` (`a`,`b`),
  UNIQUE KEY `b_2` (`b`),
  UNIQUE KEY `a_3` (`a`),
  UNIQUE KEY `c2` (`b`,`a`),
  UNIQUE KEY `b` (`b`),
  KEY `con` (`b`),
  KEY `a_4` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# the primary key
;;
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD PRIMARY KEY (b, a)
=>
CREATE TABLE `t` (
  `a` int NOT NULL,
  `b` int NOT NULL,
  PRIMARY KEY (`b`,`a`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP PRIMARY KEY, ADD id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY FIRST
=>
CREATE TABLE `t` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `a` int NOT NULL,
  `b` int NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t MODIFY id bigint, DROP PRIMARY KEY, ADD UNIQUE (id)
=>
CREATE TABLE `t` (
  `id` bigint DEFAULT NULL,
  `a` int NOT NULL,
  `b` int NOT NULL,
  UNIQUE KEY `id` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# a column takes its key along
;;
CREATE TABLE `t` (
  `a` int NOT NULL,
  `b` int DEFAULT NULL,
  UNIQUE KEY `a` (`a`),
  KEY `k` (`a`,`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP a
=>
CREATE TABLE `t` (
  `b` int DEFAULT NULL,
  KEY `k` (`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD a int, ADD UNIQUE a (a)
=>
CREATE TABLE `t` (
  `b` int DEFAULT NULL,
  `a` int DEFAULT NULL,
  UNIQUE KEY `a` (`a`),
  KEY `k` (`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# defaults
;;
CREATE TABLE `t` (
  `a` int DEFAULT '1',
  `b` varchar(9) COLLATE utf8mb4_bin NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ALTER a SET DEFAULT 5, ALTER COLUMN b SET DEFAULT 'x'
=>
CREATE TABLE `t` (
  `a` int DEFAULT '5',
  `b` varchar(9) COLLATE utf8mb4_bin NOT NULL DEFAULT 'x'
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ALTER a DROP DEFAULT
=>
CREATE TABLE `t` (
  `a` int,
  `b` varchar(9) COLLATE utf8mb4_bin NOT NULL DEFAULT 'x'
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD c datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3)
=>
CREATE TABLE `t` (
  `a` int,
  `b` varchar(9) COLLATE utf8mb4_bin NOT NULL DEFAULT 'x',
  `c` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# constraints
;;
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL,
  `c` int DEFAULT NULL,
  `d` int DEFAULT NULL,
  KEY `a` (`a`),
  CONSTRAINT `t_ibfk_1` FOREIGN KEY (`a`) REFERENCES `p` (`id`),
  CONSTRAINT `own` CHECK ((`a` > 1)),
  CONSTRAINT `t_chk_1` CHECK ((`d` > 0)),
  CONSTRAINT `t_chk_2` CHECK ((`d` > 1))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES p (k) ON DELETE CASCADE, ADD CONSTRAINT fk FOREIGN KEY (c) REFERENCES p (id) ON UPDATE SET NULL
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL,
  `c` int DEFAULT NULL,
  `d` int DEFAULT NULL,
  KEY `a` (`a`),
  KEY `b` (`b`),
  KEY `fk` (`c`),
  CONSTRAINT `fk` FOREIGN KEY (`c`) REFERENCES `p` (`id`) ON UPDATE SET NULL,
  CONSTRAINT `t_ibfk_1` FOREIGN KEY (`a`) REFERENCES `p` (`id`),
  CONSTRAINT `t_ibfk_2` FOREIGN KEY (`b`) REFERENCES `p` (`k`) ON DELETE CASCADE,
  CONSTRAINT `own` CHECK ((`a` > 1)),
  CONSTRAINT `t_chk_1` CHECK ((`d` > 0)),
  CONSTRAINT `t_chk_2` CHECK ((`d` > 1))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP FOREIGN KEY t_ibfk_1, DROP CONSTRAINT own
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL,
  `c` int DEFAULT NULL,
  `d` int DEFAULT NULL,
  KEY `a` (`a`),
  KEY `b` (`b`),
  KEY `fk` (`c`),
  CONSTRAINT `fk` FOREIGN KEY (`c`) REFERENCES `p` (`id`) ON UPDATE SET NULL,
  CONSTRAINT `t_ibfk_2` FOREIGN KEY (`b`) REFERENCES `p` (`k`) ON DELETE CASCADE,
  CONSTRAINT `t_chk_1` CHECK ((`d` > 0)),
  CONSTRAINT `t_chk_2` CHECK ((`d` > 1))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP CONSTRAINT fk
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL,
  `c` int DEFAULT NULL,
  `d` int DEFAULT NULL,
  KEY `a` (`a`),
  KEY `b` (`b`),
  KEY `fk` (`c`),
  CONSTRAINT `t_ibfk_2` FOREIGN KEY (`b`) REFERENCES `p` (`k`) ON DELETE CASCADE,
  CONSTRAINT `t_chk_1` CHECK ((`d` > 0)),
  CONSTRAINT `t_chk_2` CHECK ((`d` > 1))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD CHECK (a <> 7)
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL,
  `c` int DEFAULT NULL,
  `d` int DEFAULT NULL,
  KEY `a` (`a`),
  KEY `b` (`b`),
  KEY `fk` (`c`),
  CONSTRAINT `t_ibfk_2` FOREIGN KEY (`b`) REFERENCES `p` (`k`) ON DELETE CASCADE,
  CONSTRAINT `t_chk_1` CHECK ((`d` > 0)),
  CONSTRAINT `t_chk_2` CHECK ((`d` > 1)),
  CONSTRAINT `t_chk_3` CHECK ((`a` <> 7))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD UNIQUE u (d, a), ADD UNIQUE v (d, b)
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL,
  `c` int DEFAULT NULL,
  `d` int DEFAULT NULL,
  UNIQUE KEY `u` (`d`,`a`),
  UNIQUE KEY `v` (`d`,`b`),
  KEY `a` (`a`),
  KEY `b` (`b`),
  KEY `fk` (`c`),
  CONSTRAINT `t_ibfk_2` FOREIGN KEY (`b`) REFERENCES `p` (`k`) ON DELETE CASCADE,
  CONSTRAINT `t_chk_1` CHECK ((`d` > 0)),
  CONSTRAINT `t_chk_2` CHECK ((`d` > 1)),
  CONSTRAINT `t_chk_3` CHECK ((`a` <> 7))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP CONSTRAINT u
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL,
  `c` int DEFAULT NULL,
  `d` int DEFAULT NULL,
  UNIQUE KEY `v` (`d`,`b`),
  KEY `a` (`a`),
  KEY `b` (`b`),
  KEY `fk` (`c`),
  CONSTRAINT `t_ibfk_2` FOREIGN KEY (`b`) REFERENCES `p` (`k`) ON DELETE CASCADE,
  CONSTRAINT `t_chk_1` CHECK ((`d` > 0)),
  CONSTRAINT `t_chk_2` CHECK ((`d` > 1)),
  CONSTRAINT `t_chk_3` CHECK ((`a` <> 7))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t RENAME COLUMN c TO cc
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL,
  `cc` int DEFAULT NULL,
  `d` int DEFAULT NULL,
  UNIQUE KEY `v` (`d`,`b`),
  KEY `a` (`a`),
  KEY `b` (`b`),
  KEY `fk` (`cc`),
  CONSTRAINT `t_ibfk_2` FOREIGN KEY (`b`) REFERENCES `p` (`k`) ON DELETE CASCADE,
  CONSTRAINT `t_chk_1` CHECK ((`d` > 0)),
  CONSTRAINT `t_chk_2` CHECK ((`d` > 1)),
  CONSTRAINT `t_chk_3` CHECK ((`a` <> 7))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# character sets
;;
CREATE TABLE `t` (
  `a` tinytext CHARACTER SET latin1 COLLATE latin1_swedish_ci,
  `b` text CHARACTER SET latin1 COLLATE latin1_swedish_ci,
  `c` mediumtext CHARACTER SET latin1 COLLATE latin1_swedish_ci,
  `d` text CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci,
  `e` text,
  `f` varchar(100) DEFAULT NULL,
  `g` char(5) CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT NULL,
  `h` enum('a') CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT NULL,
  `i` longtext CHARACTER SET latin1 COLLATE latin1_swedish_ci,
  `j` varbinary(5) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci
;;
ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4
=>
CREATE TABLE `t` (
  `a` text CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci,
  `b` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci,
  `c` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci,
  `d` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci,
  `e` text,
  `f` varchar(100) DEFAULT NULL,
  `g` char(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci DEFAULT NULL,
  `h` enum('a') CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci DEFAULT NULL,
  `i` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci,
  `j` varbinary(5) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci
;;
ALTER TABLE t DEFAULT CHARACTER SET latin1, ADD k varchar(5)
=>
CREATE TABLE `t` (
  `a` text CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci,
  `b` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci,
  `c` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci,
  `d` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci,
  `e` text CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci,
  `f` varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci DEFAULT NULL,
  `g` char(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci DEFAULT NULL,
  `h` enum('a') CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci DEFAULT NULL,
  `i` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci,
  `j` varbinary(5) DEFAULT NULL,
  `k` varchar(5) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1
;;
ALTER TABLE t ADD l varchar(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, COLLATE utf8mb4_bin
=>
CREATE TABLE `t` (
  `a` text CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci,
  `b` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci,
  `c` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci,
  `d` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci,
  `e` text CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci,
  `f` varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci DEFAULT NULL,
  `g` char(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci DEFAULT NULL,
  `h` enum('a') CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci DEFAULT NULL,
  `i` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci,
  `j` varbinary(5) DEFAULT NULL,
  `k` varchar(5) CHARACTER SET latin1 DEFAULT NULL,
  `l` varchar(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP h, CONVERT TO CHARACTER SET latin1 COLLATE latin1_bin
=>
CREATE TABLE `t` (
  `a` text CHARACTER SET latin1 COLLATE latin1_bin,
  `b` mediumtext CHARACTER SET latin1 COLLATE latin1_bin,
  `c` longtext CHARACTER SET latin1 COLLATE latin1_bin,
  `d` mediumtext CHARACTER SET latin1 COLLATE latin1_bin,
  `e` text COLLATE latin1_bin,
  `f` varchar(100) COLLATE latin1_bin DEFAULT NULL,
  `g` char(5) CHARACTER SET latin1 COLLATE latin1_bin DEFAULT NULL,
  `i` longtext CHARACTER SET latin1 COLLATE latin1_bin,
  `j` varbinary(5) DEFAULT NULL,
  `k` varchar(5) COLLATE latin1_bin DEFAULT NULL,
  `l` varchar(5) CHARACTER SET latin1 COLLATE latin1_bin DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_bin
;;
ALTER TABLE t CONVERT TO CHARACTER SET binary
=>
CREATE TABLE `t` (
  `a` blob,
  `b` mediumblob,
  `c` longblob,
  `d` mediumblob,
  `e` blob,
  `f` varbinary(100) DEFAULT NULL,
  `g` binary(5) DEFAULT NULL,
  `i` longblob,
  `j` varbinary(5) DEFAULT NULL,
  `k` varbinary(5) DEFAULT NULL,
  `l` varbinary(5) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=binary
;;;
# generated and invisible columns
;;
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `v` int GENERATED ALWAYS AS ((`a` + 1)) VIRTUAL,
  `s` int GENERATED ALWAYS AS ((`a` * 2)) STORED
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD w int AS (a + 3) VIRTUAL AFTER a, DROP v
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `w` int GENERATED ALWAYS AS ((`a` + 3)) VIRTUAL,
  `s` int GENERATED ALWAYS AS ((`a` * 2)) STORED
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t MODIFY s int AS (a * 2) STORED FIRST, ADD x int NOT NULL DEFAULT 3 INVISIBLE
=>
CREATE TABLE `t` (
  `s` int GENERATED ALWAYS AS ((`a` * 2)) STORED,
  `a` int DEFAULT NULL,
  `w` int GENERATED ALWAYS AS ((`a` + 3)) VIRTUAL,
  `x` int NOT NULL DEFAULT '3' /*!80023 INVISIBLE */
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t CHANGE w v bigint AS (a + 4) VIRTUAL
=>
CREATE TABLE `t` (
  `s` int GENERATED ALWAYS AS ((`a` * 2)) STORED,
  `a` int DEFAULT NULL,
  `v` bigint GENERATED ALWAYS AS ((`a` + 4)) VIRTUAL,
  `x` int NOT NULL DEFAULT '3' /*!80023 INVISIBLE */
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# options and partitions leave rows alone
;;
CREATE TABLE `t` (
  `a` int NOT NULL,
  `b` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ENGINE=InnoDB ROW_FORMAT=DYNAMIC, COMMENT='a, b (c', FORCE
=>
CREATE TABLE `t` (
  `a` int NOT NULL,
  `b` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC COMMENT='a, b (c'
;;
ALTER TABLE t ORDER BY a, b DESC
=>
CREATE TABLE `t` (
  `a` int NOT NULL,
  `b` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC COMMENT='a, b (c'
;;
ALTER TABLE t ADD c int PARTITION BY HASH (a) PARTITIONS 3
=>
CREATE TABLE `t` (
  `a` int NOT NULL,
  `b` int DEFAULT NULL,
  `c` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC COMMENT='a, b (c'
/*!50100 PARTITION BY HASH (`a`)
PARTITIONS 3 */
;;
ALTER TABLE t ADD PARTITION PARTITIONS 2
=>
CREATE TABLE `t` (
  `a` int NOT NULL,
  `b` int DEFAULT NULL,
  `c` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC COMMENT='a, b (c'
/*!50100 PARTITION BY HASH (`a`)
PARTITIONS 5 */
;;
ALTER TABLE t COALESCE PARTITION 1
=>
CREATE TABLE `t` (
  `a` int NOT NULL,
  `b` int DEFAULT NULL,
  `c` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC COMMENT='a, b (c'
/*!50100 PARTITION BY HASH (`a`)
PARTITIONS 4 */
;;
ALTER TABLE t REMOVE PARTITIONING
=>
CREATE TABLE `t` (
  `a` int NOT NULL,
  `b` int DEFAULT NULL,
  `c` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC COMMENT='a, b (c'
;;
ALTER TABLE t AUTO_INCREMENT=77, ALGORITHM=INPLACE, LOCK=NONE
=>
CREATE TABLE `t` (
  `a` int NOT NULL,
  `b` int DEFAULT NULL,
  `c` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC COMMENT='a, b (c'
;;;
# types change
;;
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` varchar(10) COLLATE utf8mb4_bin DEFAULT NULL,
  `c` enum('a','b') COLLATE utf8mb4_bin DEFAULT NULL,
  `d` decimal(5,2) DEFAULT NULL,
  `e` float(7,3) DEFAULT NULL,
  `f` char(3) COLLATE utf8mb4_bin DEFAULT NULL,
  `g` datetime DEFAULT NULL,
  KEY `b` (`b`(4))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t MODIFY a bigint unsigned, MODIFY b varchar(4) NOT NULL, MODIFY c enum('z','b','a'), MODIFY d decimal(8,4) NOT NULL
=>
CREATE TABLE `t` (
  `a` bigint unsigned DEFAULT NULL,
  `b` varchar(4) COLLATE utf8mb4_bin NOT NULL,
  `c` enum('z','b','a') COLLATE utf8mb4_bin DEFAULT NULL,
  `d` decimal(8,4) NOT NULL,
  `e` float(7,3) DEFAULT NULL,
  `f` char(3) COLLATE utf8mb4_bin DEFAULT NULL,
  `g` datetime DEFAULT NULL,
  KEY `b` (`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t MODIFY e double, MODIFY f text, MODIFY g datetime(6), MODIFY a varchar(20)
=>
CREATE TABLE `t` (
  `a` varchar(20) COLLATE utf8mb4_bin DEFAULT NULL,
  `b` varchar(4) COLLATE utf8mb4_bin NOT NULL,
  `c` enum('z','b','a') COLLATE utf8mb4_bin DEFAULT NULL,
  `d` decimal(8,4) NOT NULL,
  `e` double DEFAULT NULL,
  `f` text COLLATE utf8mb4_bin,
  `g` datetime(6) DEFAULT NULL,
  KEY `b` (`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t MODIFY b int(5) ZEROFILL
=>
CREATE TABLE `t` (
  `a` varchar(20) COLLATE utf8mb4_bin DEFAULT NULL,
  `b` int(5) unsigned zerofill DEFAULT NULL,
  `c` enum('z','b','a') COLLATE utf8mb4_bin DEFAULT NULL,
  `d` decimal(8,4) NOT NULL,
  `e` double DEFAULT NULL,
  `f` text COLLATE utf8mb4_bin,
  `g` datetime(6) DEFAULT NULL,
  KEY `b` (`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# comments and odd space
;;
CREATE TABLE `t` (
  `a` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER /* x */ TABLE
	t -- y
 ADD /*!40000 COLUMN */ b int /* , DROP a */ DEFAULT 5, # z
ADD `add` int, ADD `x y` varchar(30) DEFAULT ', DROP a'
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT '5',
  `add` int DEFAULT NULL,
  `x y` varchar(30) COLLATE utf8mb4_bin DEFAULT ', DROP a'
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t RENAME COLUMN `add` TO `drop`, MODIFY `x y` varchar(40) COMMENT ') AFTER b' FIRST
=>
CREATE TABLE `t` (
  `x y` varchar(40) COLLATE utf8mb4_bin DEFAULT NULL COMMENT ') AFTER b',
  `a` int DEFAULT NULL,
  `b` int DEFAULT '5',
  `drop` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# CREATE and RENAME as gh-ost does
;;
CREATE TABLE `t` (
  `id` int NOT NULL AUTO_INCREMENT,
  `a` varchar(9) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `a` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1
;;
alter /* gh-ost */ table `shop`.`t` ADD COLUMN b int NOT NULL DEFAULT 7 AFTER a, MODIFY a varchar(20) CHARACTER SET utf8mb4 NOT NULL
=>
CREATE TABLE `t` (
  `id` int NOT NULL AUTO_INCREMENT,
  `a` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci NOT NULL,
  `b` int NOT NULL DEFAULT '7',
  PRIMARY KEY (`id`),
  UNIQUE KEY `a` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1
;;;
# a column as pt-online-schema-change alters it
;;
CREATE TABLE `t` (
  `id` int NOT NULL,
  `a` int DEFAULT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `t_chk_1` CHECK ((`a` > 0))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE `shop`.`t` ADD COLUMN c date NOT NULL, ADD UNIQUE KEY (c, id), DROP PRIMARY KEY, ADD PRIMARY KEY (id, c)
=>
CREATE TABLE `t` (
  `id` int NOT NULL,
  `a` int DEFAULT NULL,
  `c` date NOT NULL,
  PRIMARY KEY (`id`,`c`),
  UNIQUE KEY `c` (`c`,`id`),
  CONSTRAINT `t_chk_1` CHECK ((`a` > 0))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# a key loses a column that goes
;;
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int NOT NULL,
  `c` int NOT NULL,
  PRIMARY KEY (`b`,`c`),
  UNIQUE KEY `u` (`a`,`b`),
  UNIQUE KEY `v` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP a
=>
CREATE TABLE `t` (
  `b` int NOT NULL,
  `c` int NOT NULL,
  PRIMARY KEY (`b`,`c`),
  UNIQUE KEY `u` (`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP c
=>
CREATE TABLE `t` (
  `b` int NOT NULL,
  PRIMARY KEY (`b`),
  UNIQUE KEY `u` (`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# a column that is unique and the primary key
;;
CREATE TABLE `t` (
  `a` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD b int UNIQUE PRIMARY KEY, ADD c int UNIQUE UNIQUE KEY, ADD d json
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int NOT NULL,
  `c` int DEFAULT NULL,
  `d` json DEFAULT NULL,
  PRIMARY KEY (`b`),
  UNIQUE KEY `b` (`b`),
  UNIQUE KEY `c` (`c`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP PRIMARY KEY, ADD e SERIAL
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int NOT NULL,
  `c` int DEFAULT NULL,
  `d` json DEFAULT NULL,
  `e` bigint unsigned NOT NULL AUTO_INCREMENT,
  UNIQUE KEY `b` (`b`),
  UNIQUE KEY `e` (`e`),
  UNIQUE KEY `c` (`c`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# what only newer servers read
;;
CREATE TABLE `t` (
  `a` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD b int /*!80023 INVISIBLE */, ADD c varchar(9) DEFAULT (upper('x'))
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL /*!80023 INVISIBLE */,
  `c` varchar(9) COLLATE utf8mb4_bin DEFAULT (upper(_utf8mb4'x'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
/*!80000 ALTER TABLE t ALTER COLUMN b SET VISIBLE, ADD UNIQUE ((a + 1)), ADD UNIQUE fx ((lower(c)), b) */
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL,
  `c` varchar(9) COLLATE utf8mb4_bin DEFAULT (upper(_utf8mb4'x')),
  UNIQUE KEY `functional_index` (((`a` + 1))),
  UNIQUE KEY `fx` ((lower(`c`)),`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD UNIQUE ((a + 2)), ALTER INDEX fx INVISIBLE
=>
CREATE TABLE `t` (
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL,
  `c` varchar(9) COLLATE utf8mb4_bin DEFAULT (upper(_utf8mb4'x')),
  UNIQUE KEY `functional_index` (((`a` + 1))),
  UNIQUE KEY `fx` ((lower(`c`)),`b`) /*!80000 INVISIBLE */,
  UNIQUE KEY `functional_index_2` (((`a` + 2)))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# a generated invisible primary key
;;
CREATE TABLE `t` (
  `my_row_id` bigint unsigned NOT NULL AUTO_INCREMENT /*!80023 INVISIBLE */,
  `a` int DEFAULT NULL,
  PRIMARY KEY (`my_row_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ALTER COLUMN my_row_id SET VISIBLE
=>
CREATE TABLE `t` (
  `my_row_id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `a` int DEFAULT NULL,
  PRIMARY KEY (`my_row_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD b int AFTER my_row_id
=>
CREATE TABLE `t` (
  `my_row_id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `b` int DEFAULT NULL,
  `a` int DEFAULT NULL,
  PRIMARY KEY (`my_row_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
