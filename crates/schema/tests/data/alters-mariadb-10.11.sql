# columns come, go and move
;;
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` varchar(10) DEFAULT NULL,
  `c` date DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD d int FIRST, ADD COLUMN e int AFTER b, ADD f text
=>
CREATE TABLE `t` (
  `d` int(11) DEFAULT NULL,
  `a` int(11) DEFAULT NULL,
  `b` varchar(10) DEFAULT NULL,
  `e` int(11) DEFAULT NULL,
  `c` date DEFAULT NULL,
  `f` text DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD COLUMN (g int, h bigint unsigned NOT NULL)
=>
CREATE TABLE `t` (
  `d` int(11) DEFAULT NULL,
  `a` int(11) DEFAULT NULL,
  `b` varchar(10) DEFAULT NULL,
  `e` int(11) DEFAULT NULL,
  `c` date DEFAULT NULL,
  `f` text DEFAULT NULL,
  `g` int(11) DEFAULT NULL,
  `h` bigint(20) unsigned NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP a, DROP COLUMN c
=>
CREATE TABLE `t` (
  `d` int(11) DEFAULT NULL,
  `b` varchar(10) DEFAULT NULL,
  `e` int(11) DEFAULT NULL,
  `f` text DEFAULT NULL,
  `g` int(11) DEFAULT NULL,
  `h` bigint(20) unsigned NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t MODIFY h bigint FIRST, CHANGE b bb varchar(20) NOT NULL AFTER f
=>
CREATE TABLE `t` (
  `h` bigint(20) DEFAULT NULL,
  `d` int(11) DEFAULT NULL,
  `e` int(11) DEFAULT NULL,
  `f` text DEFAULT NULL,
  `bb` varchar(20) NOT NULL,
  `g` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# AFTER means names behind the statement, in the order of the clauses
;;
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
  `c` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD d int FIRST, ADD e int FIRST, MODIFY c int AFTER d, ADD f int AFTER c
=>
CREATE TABLE `t` (
  `e` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL,
  `c` int(11) DEFAULT NULL,
  `f` int(11) DEFAULT NULL,
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD i int AFTER c, MODIFY c int FIRST
=>
CREATE TABLE `t` (
  `c` int(11) DEFAULT NULL,
  `e` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL,
  `i` int(11) DEFAULT NULL,
  `f` int(11) DEFAULT NULL,
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t CHANGE c cc int AFTER f, ADD j int AFTER cc
=>
CREATE TABLE `t` (
  `e` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL,
  `i` int(11) DEFAULT NULL,
  `f` int(11) DEFAULT NULL,
  `cc` int(11) DEFAULT NULL,
  `j` int(11) DEFAULT NULL,
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# two columns exchange their names
;;
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` varchar(5) NOT NULL,
  PRIMARY KEY (`b`),
  UNIQUE KEY `u` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t RENAME COLUMN a TO b, RENAME COLUMN b TO a
=>
CREATE TABLE `t` (
  `b` int(11) DEFAULT NULL,
  `a` varchar(5) NOT NULL,
  PRIMARY KEY (`a`),
  UNIQUE KEY `u` (`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t CHANGE a b varchar(6), CHANGE b a bigint
=>
CREATE TABLE `t` (
  `a` bigint(20) DEFAULT NULL,
  `b` varchar(6) NOT NULL,
  PRIMARY KEY (`b`),
  UNIQUE KEY `u` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# a column goes and its namesake takes its place in the keys
;;
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` int(11) NOT NULL,
  `c` int(11) NOT NULL,
  PRIMARY KEY (`b`,`c`),
  UNIQUE KEY `u` (`a`,`b`),
  UNIQUE KEY `f` (`c`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP COLUMN c, ADD COLUMN c varchar(9) NOT NULL
=>
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` int(11) NOT NULL,
  `c` varchar(9) NOT NULL,
  PRIMARY KEY (`b`,`c`(4)),
  UNIQUE KEY `u` (`a`,`b`),
  UNIQUE KEY `f` (`c`(4))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t RENAME COLUMN a TO z, ADD COLUMN a int
=>
CREATE TABLE `t` (
  `z` int(11) DEFAULT NULL,
  `b` int(11) NOT NULL,
  `c` varchar(9) NOT NULL,
  `a` int(11) DEFAULT NULL,
  PRIMARY KEY (`b`,`c`(4)),
  UNIQUE KEY `u` (`z`,`b`),
  UNIQUE KEY `f` (`c`(4))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# names of keys
;;
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
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
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
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
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
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
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
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
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
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
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
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
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
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
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
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
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD PRIMARY KEY (b, a)
=>
CREATE TABLE `t` (
  `a` int(11) NOT NULL,
  `b` int(11) NOT NULL,
  PRIMARY KEY (`b`,`a`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP PRIMARY KEY, ADD id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY FIRST
=>
CREATE TABLE `t` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `a` int(11) NOT NULL,
  `b` int(11) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t MODIFY id bigint, DROP PRIMARY KEY, ADD UNIQUE (id)
=>
CREATE TABLE `t` (
  `id` bigint(20) DEFAULT NULL,
  `a` int(11) NOT NULL,
  `b` int(11) NOT NULL,
  UNIQUE KEY `id` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# a column takes its key along
;;
CREATE TABLE `t` (
  `a` int(11) NOT NULL,
  `b` int(11) DEFAULT NULL,
  UNIQUE KEY `a` (`a`),
  KEY `k` (`a`,`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP a
=>
CREATE TABLE `t` (
  `b` int(11) DEFAULT NULL,
  KEY `k` (`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD a int, ADD UNIQUE a (a)
=>
CREATE TABLE `t` (
  `b` int(11) DEFAULT NULL,
  `a` int(11) DEFAULT NULL,
  UNIQUE KEY `a` (`a`),
  KEY `k` (`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# defaults
;;
CREATE TABLE `t` (
  `a` int(11) DEFAULT 1,
  `b` varchar(9) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ALTER a SET DEFAULT 5, ALTER COLUMN b SET DEFAULT 'x'
=>
CREATE TABLE `t` (
  `a` int(11) DEFAULT 5,
  `b` varchar(9) NOT NULL DEFAULT 'x'
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ALTER a DROP DEFAULT
=>
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` varchar(9) NOT NULL DEFAULT 'x'
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD c datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3)
=>
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` varchar(9) NOT NULL DEFAULT 'x',
  `c` datetime(3) NOT NULL DEFAULT current_timestamp(3) ON UPDATE current_timestamp(3)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# constraints
;;
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
  `c` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL CHECK (`d` > 0),
  KEY `a` (`a`),
  CONSTRAINT `t_ibfk_1` FOREIGN KEY (`a`) REFERENCES `p` (`id`),
  CONSTRAINT `own` CHECK (`a` > 1),
  CONSTRAINT `CONSTRAINT_1` CHECK (`d` > 1)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES p (k) ON DELETE CASCADE, ADD CONSTRAINT fk FOREIGN KEY (c) REFERENCES p (id) ON UPDATE SET NULL
=>
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
  `c` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL CHECK (`d` > 0),
  KEY `a` (`a`),
  KEY `b` (`b`),
  KEY `fk` (`c`),
  CONSTRAINT `fk` FOREIGN KEY (`c`) REFERENCES `p` (`id`) ON UPDATE SET NULL,
  CONSTRAINT `t_ibfk_1` FOREIGN KEY (`a`) REFERENCES `p` (`id`),
  CONSTRAINT `t_ibfk_2` FOREIGN KEY (`b`) REFERENCES `p` (`k`) ON DELETE CASCADE,
  CONSTRAINT `own` CHECK (`a` > 1),
  CONSTRAINT `CONSTRAINT_1` CHECK (`d` > 1)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP FOREIGN KEY t_ibfk_1, DROP CONSTRAINT own
=>
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
  `c` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL CHECK (`d` > 0),
  KEY `a` (`a`),
  KEY `b` (`b`),
  KEY `fk` (`c`),
  CONSTRAINT `fk` FOREIGN KEY (`c`) REFERENCES `p` (`id`) ON UPDATE SET NULL,
  CONSTRAINT `t_ibfk_2` FOREIGN KEY (`b`) REFERENCES `p` (`k`) ON DELETE CASCADE,
  CONSTRAINT `CONSTRAINT_1` CHECK (`d` > 1)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP CONSTRAINT fk
=>
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
  `c` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL CHECK (`d` > 0),
  KEY `a` (`a`),
  KEY `b` (`b`),
  KEY `fk` (`c`),
  CONSTRAINT `t_ibfk_2` FOREIGN KEY (`b`) REFERENCES `p` (`k`) ON DELETE CASCADE,
  CONSTRAINT `CONSTRAINT_1` CHECK (`d` > 1)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD CHECK (a <> 7)
=>
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
  `c` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL CHECK (`d` > 0),
  KEY `a` (`a`),
  KEY `b` (`b`),
  KEY `fk` (`c`),
  CONSTRAINT `t_ibfk_2` FOREIGN KEY (`b`) REFERENCES `p` (`k`) ON DELETE CASCADE,
  CONSTRAINT `CONSTRAINT_1` CHECK (`d` > 1),
  CONSTRAINT `CONSTRAINT_2` CHECK (`a` <> 7)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD UNIQUE u (d, a), ADD UNIQUE v (d, b)
=>
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
  `c` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL CHECK (`d` > 0),
  UNIQUE KEY `u` (`d`,`a`),
  UNIQUE KEY `v` (`d`,`b`),
  KEY `a` (`a`),
  KEY `b` (`b`),
  KEY `fk` (`c`),
  CONSTRAINT `t_ibfk_2` FOREIGN KEY (`b`) REFERENCES `p` (`k`) ON DELETE CASCADE,
  CONSTRAINT `CONSTRAINT_1` CHECK (`d` > 1),
  CONSTRAINT `CONSTRAINT_2` CHECK (`a` <> 7)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP CONSTRAINT u
=>
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
  `c` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL CHECK (`d` > 0),
  UNIQUE KEY `v` (`d`,`b`),
  KEY `a` (`a`),
  KEY `b` (`b`),
  KEY `fk` (`c`),
  CONSTRAINT `t_ibfk_2` FOREIGN KEY (`b`) REFERENCES `p` (`k`) ON DELETE CASCADE,
  CONSTRAINT `CONSTRAINT_1` CHECK (`d` > 1),
  CONSTRAINT `CONSTRAINT_2` CHECK (`a` <> 7)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t RENAME COLUMN c TO cc
=>
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
  `cc` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL CHECK (`d` > 0),
  UNIQUE KEY `v` (`d`,`b`),
  KEY `a` (`a`),
  KEY `b` (`b`),
  KEY `fk` (`cc`),
  CONSTRAINT `t_ibfk_2` FOREIGN KEY (`b`) REFERENCES `p` (`k`) ON DELETE CASCADE,
  CONSTRAINT `CONSTRAINT_1` CHECK (`d` > 1),
  CONSTRAINT `CONSTRAINT_2` CHECK (`a` <> 7)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# character sets
;;
CREATE TABLE `t` (
  `a` tinytext CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT NULL,
  `b` text CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT NULL,
  `c` mediumtext CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT NULL,
  `d` text CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci DEFAULT NULL,
  `e` text DEFAULT NULL,
  `f` varchar(100) DEFAULT NULL,
  `g` char(5) CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT NULL,
  `h` enum('a') CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT NULL,
  `i` longtext CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT NULL,
  `j` varbinary(5) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci
;;
ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4
=>
CREATE TABLE `t` (
  `a` text DEFAULT NULL,
  `b` mediumtext DEFAULT NULL,
  `c` longtext DEFAULT NULL,
  `d` mediumtext DEFAULT NULL,
  `e` text DEFAULT NULL,
  `f` varchar(100) DEFAULT NULL,
  `g` char(5) DEFAULT NULL,
  `h` enum('a') DEFAULT NULL,
  `i` longtext DEFAULT NULL,
  `j` varbinary(5) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci
;;
ALTER TABLE t DEFAULT CHARACTER SET latin1, ADD k varchar(5)
=>
CREATE TABLE `t` (
  `a` text CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL,
  `b` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL,
  `c` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL,
  `d` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL,
  `e` text CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL,
  `f` varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL,
  `g` char(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL,
  `h` enum('a') CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL,
  `i` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL,
  `j` varbinary(5) DEFAULT NULL,
  `k` varchar(5) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci
;;
ALTER TABLE t ADD l varchar(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, COLLATE utf8mb4_bin
=>
CREATE TABLE `t` (
  `a` text CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL,
  `b` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL,
  `c` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL,
  `d` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL,
  `e` text CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL,
  `f` varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL,
  `g` char(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL,
  `h` enum('a') CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL,
  `i` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL,
  `j` varbinary(5) DEFAULT NULL,
  `k` varchar(5) CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT NULL,
  `l` varchar(5) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP h, CONVERT TO CHARACTER SET latin1 COLLATE latin1_bin
=>
CREATE TABLE `t` (
  `a` text DEFAULT NULL,
  `b` mediumtext DEFAULT NULL,
  `c` longtext DEFAULT NULL,
  `d` mediumtext DEFAULT NULL,
  `e` text DEFAULT NULL,
  `f` varchar(100) DEFAULT NULL,
  `g` char(5) DEFAULT NULL,
  `i` longtext DEFAULT NULL,
  `j` varbinary(5) DEFAULT NULL,
  `k` varchar(5) DEFAULT NULL,
  `l` varchar(5) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_bin
;;
ALTER TABLE t CONVERT TO CHARACTER SET binary
=>
CREATE TABLE `t` (
  `a` blob DEFAULT NULL,
  `b` mediumblob DEFAULT NULL,
  `c` longblob DEFAULT NULL,
  `d` mediumblob DEFAULT NULL,
  `e` blob DEFAULT NULL,
  `f` varbinary(100) DEFAULT NULL,
  `g` binary(5) DEFAULT NULL,
  `i` longblob DEFAULT NULL,
  `j` varbinary(5) DEFAULT NULL,
  `k` varbinary(5) DEFAULT NULL,
  `l` varbinary(5) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=binary
;;;
# generated and invisible columns
;;
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `v` int(11) GENERATED ALWAYS AS (`a` + 1) VIRTUAL,
  `s` int(11) GENERATED ALWAYS AS (`a` * 2) STORED
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD w int AS (a + 3) VIRTUAL AFTER a, DROP v
=>
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `w` int(11) GENERATED ALWAYS AS (`a` + 3) VIRTUAL,
  `s` int(11) GENERATED ALWAYS AS (`a` * 2) STORED
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t MODIFY s int AS (a * 2) STORED FIRST, ADD x int NOT NULL DEFAULT 3 INVISIBLE
=>
CREATE TABLE `t` (
  `s` int(11) GENERATED ALWAYS AS (`a` * 2) STORED,
  `a` int(11) DEFAULT NULL,
  `w` int(11) GENERATED ALWAYS AS (`a` + 3) VIRTUAL,
  `x` int(11) NOT NULL INVISIBLE DEFAULT 3
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t CHANGE w v bigint AS (a + 4) VIRTUAL
=>
CREATE TABLE `t` (
  `s` int(11) GENERATED ALWAYS AS (`a` * 2) STORED,
  `a` int(11) DEFAULT NULL,
  `v` bigint(20) GENERATED ALWAYS AS (`a` + 4) VIRTUAL,
  `x` int(11) NOT NULL INVISIBLE DEFAULT 3
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# options and partitions leave rows alone
;;
CREATE TABLE `t` (
  `a` int(11) NOT NULL,
  `b` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ENGINE=InnoDB ROW_FORMAT=DYNAMIC, COMMENT='a, b (c', FORCE
=>
CREATE TABLE `t` (
  `a` int(11) NOT NULL,
  `b` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC COMMENT='a, b (c'
;;
ALTER TABLE t ORDER BY a, b DESC
=>
CREATE TABLE `t` (
  `a` int(11) NOT NULL,
  `b` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC COMMENT='a, b (c'
;;
ALTER TABLE t ADD c int PARTITION BY HASH (a) PARTITIONS 3
=>
CREATE TABLE `t` (
  `a` int(11) NOT NULL,
  `b` int(11) DEFAULT NULL,
  `c` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC COMMENT='a, b (c'
 PARTITION BY HASH (`a`)
PARTITIONS 3
;;
ALTER TABLE t ADD PARTITION PARTITIONS 2
=>
CREATE TABLE `t` (
  `a` int(11) NOT NULL,
  `b` int(11) DEFAULT NULL,
  `c` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC COMMENT='a, b (c'
 PARTITION BY HASH (`a`)
PARTITIONS 5
;;
ALTER TABLE t COALESCE PARTITION 1
=>
CREATE TABLE `t` (
  `a` int(11) NOT NULL,
  `b` int(11) DEFAULT NULL,
  `c` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC COMMENT='a, b (c'
 PARTITION BY HASH (`a`)
PARTITIONS 4
;;
ALTER TABLE t REMOVE PARTITIONING
=>
CREATE TABLE `t` (
  `a` int(11) NOT NULL,
  `b` int(11) DEFAULT NULL,
  `c` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC COMMENT='a, b (c'
;;
ALTER TABLE t AUTO_INCREMENT=77, ALGORITHM=INPLACE, LOCK=NONE
=>
CREATE TABLE `t` (
  `a` int(11) NOT NULL,
  `b` int(11) DEFAULT NULL,
  `c` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC COMMENT='a, b (c'
;;;
# types change
;;
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` varchar(10) DEFAULT NULL,
  `c` enum('a','b') DEFAULT NULL,
  `d` decimal(5,2) DEFAULT NULL,
  `e` float(7,3) DEFAULT NULL,
  `f` char(3) DEFAULT NULL,
  `g` datetime DEFAULT NULL,
  KEY `b` (`b`(4))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t MODIFY a bigint unsigned, MODIFY b varchar(4) NOT NULL, MODIFY c enum('z','b','a'), MODIFY d decimal(8,4) NOT NULL
=>
CREATE TABLE `t` (
  `a` bigint(20) unsigned DEFAULT NULL,
  `b` varchar(4) NOT NULL,
  `c` enum('z','b','a') DEFAULT NULL,
  `d` decimal(8,4) NOT NULL,
  `e` float(7,3) DEFAULT NULL,
  `f` char(3) DEFAULT NULL,
  `g` datetime DEFAULT NULL,
  KEY `b` (`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t MODIFY e double, MODIFY f text, MODIFY g datetime(6), MODIFY a varchar(20)
=>
CREATE TABLE `t` (
  `a` varchar(20) DEFAULT NULL,
  `b` varchar(4) NOT NULL,
  `c` enum('z','b','a') DEFAULT NULL,
  `d` decimal(8,4) NOT NULL,
  `e` double DEFAULT NULL,
  `f` text DEFAULT NULL,
  `g` datetime(6) DEFAULT NULL,
  KEY `b` (`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t MODIFY b int(5) ZEROFILL
=>
CREATE TABLE `t` (
  `a` varchar(20) DEFAULT NULL,
  `b` int(5) unsigned zerofill DEFAULT NULL,
  `c` enum('z','b','a') DEFAULT NULL,
  `d` decimal(8,4) NOT NULL,
  `e` double DEFAULT NULL,
  `f` text DEFAULT NULL,
  `g` datetime(6) DEFAULT NULL,
  KEY `b` (`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# comments and odd space
;;
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER /* x */ TABLE
	t -- y
 ADD /*!40000 COLUMN */ b int /* , DROP a */ DEFAULT 5, # z
ADD `add` int, ADD `x y` varchar(30) DEFAULT ', DROP a'
=>
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT 5,
  `add` int(11) DEFAULT NULL,
  `x y` varchar(30) DEFAULT ', DROP a'
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t RENAME COLUMN `add` TO `drop`, MODIFY `x y` varchar(40) COMMENT ') AFTER b' FIRST
=>
CREATE TABLE `t` (
  `x y` varchar(40) DEFAULT NULL COMMENT ') AFTER b',
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT 5,
  `drop` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# CREATE and RENAME as gh-ost does
;;
CREATE TABLE `t` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `a` varchar(9) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `a` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci
;;
alter /* gh-ost */ table `shop`.`t` ADD COLUMN b int NOT NULL DEFAULT 7 AFTER a, MODIFY a varchar(20) CHARACTER SET utf8mb4 NOT NULL
=>
CREATE TABLE `t` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `a` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL,
  `b` int(11) NOT NULL DEFAULT 7,
  PRIMARY KEY (`id`),
  UNIQUE KEY `a` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci
;;;
# a column as pt-online-schema-change alters it
;;
CREATE TABLE `t` (
  `id` int(11) NOT NULL,
  `a` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `_ck` CHECK (`a` > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE `shop`.`t` ADD COLUMN c date NOT NULL, ADD UNIQUE KEY (c, id), DROP PRIMARY KEY, ADD PRIMARY KEY (id, c)
=>
CREATE TABLE `t` (
  `id` int(11) NOT NULL,
  `a` int(11) DEFAULT NULL,
  `c` date NOT NULL,
  PRIMARY KEY (`id`,`c`),
  UNIQUE KEY `c` (`c`,`id`),
  CONSTRAINT `_ck` CHECK (`a` > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# IF EXISTS and IF NOT EXISTS
;;
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
  `c` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD IF NOT EXISTS a bigint, ADD COLUMN IF NOT EXISTS d int, ADD COLUMN IF NOT EXISTS d bigint, DROP IF EXISTS x, DROP COLUMN IF EXISTS b
=>
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `c` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t CHANGE IF EXISTS zz y int, MODIFY COLUMN IF EXISTS a varchar(5), RENAME COLUMN IF EXISTS q TO r
=>
CREATE TABLE `t` (
  `a` varchar(5) DEFAULT NULL,
  `c` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD UNIQUE IF NOT EXISTS (d), ADD UNIQUE KEY IF NOT EXISTS d (c), ADD KEY IF NOT EXISTS k (c), DROP KEY IF EXISTS nope
=>
CREATE TABLE `t` (
  `a` varchar(5) DEFAULT NULL,
  `c` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL,
  UNIQUE KEY `d` (`d`),
  KEY `k` (`c`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP INDEX IF EXISTS d, ADD UNIQUE IF NOT EXISTS d (c)
=>
CREATE TABLE `t` (
  `a` varchar(5) DEFAULT NULL,
  `c` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL,
  KEY `k` (`c`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP a, ADD IF NOT EXISTS a varchar(5)
=>
CREATE TABLE `t` (
  `c` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL,
  KEY `k` (`c`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
CREATE OR REPLACE UNIQUE INDEX k ON t (d, c)
=>
CREATE TABLE `t` (
  `c` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL,
  UNIQUE KEY `k` (`d`,`c`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
DROP INDEX IF EXISTS k ON t
=>
CREATE TABLE `t` (
  `c` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE IF EXISTS t ADD COLUMN IF NOT EXISTS c text UNIQUE
=>
CREATE TABLE `t` (
  `c` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL,
  UNIQUE KEY `c` (`c`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD z int, ALTER z SET DEFAULT 3
=>
CREATE TABLE `t` (
  `c` int(11) DEFAULT NULL,
  `d` int(11) DEFAULT NULL,
  `z` int(11) DEFAULT 3,
  UNIQUE KEY `c` (`c`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# DROP CONSTRAINT finds no key kept by hashes
;;
CREATE TABLE `t` (
  `a` text DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
  UNIQUE KEY `k` (`b`),
  UNIQUE KEY `h` (`a`) USING HASH
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP CONSTRAINT IF EXISTS h
=>
CREATE TABLE `t` (
  `a` text DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
  UNIQUE KEY `k` (`b`),
  UNIQUE KEY `h` (`a`) USING HASH
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP CONSTRAINT IF EXISTS k
=>
CREATE TABLE `t` (
  `a` text DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
  UNIQUE KEY `h` (`a`) USING HASH
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t DROP INDEX h
=>
CREATE TABLE `t` (
  `a` text DEFAULT NULL,
  `b` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# a column that is unique and the primary key
;;
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER TABLE t ADD b int UNIQUE PRIMARY KEY, ADD c int UNIQUE UNIQUE KEY, ADD d json, ADD e uuid, ADD f inet6
=>
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` int(11) NOT NULL,
  `c` int(11) DEFAULT NULL,
  `d` longtext DEFAULT NULL CHECK (json_valid(`d`)),
  `e` uuid DEFAULT NULL,
  `f` inet6 DEFAULT NULL,
  PRIMARY KEY (`b`),
  UNIQUE KEY `c` (`c`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;;
# SET STATEMENT
;;
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
SET STATEMENT max_statement_time=50, sql_mode=concat(@@sql_mode, '') FOR ALTER TABLE t ADD b int
=>
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
ALTER ONLINE TABLE t WAIT 5 ADD c int INVISIBLE
=>
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
  `c` int(11) INVISIBLE DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
;;
/*M!100100 ALTER TABLE t ADD d int */
=>
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
  `c` int(11) INVISIBLE DEFAULT NULL,
  `d` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
