CREATE TABLE `all_types` (
  `a` tinyint(1) DEFAULT NULL,
  `b` smallint(5) unsigned zerofill DEFAULT NULL,
  `c` mediumint DEFAULT NULL,
  `d` int unsigned DEFAULT NULL,
  `e` bigint unsigned DEFAULT NULL,
  `f` decimal(65,30) DEFAULT NULL,
  `g` float DEFAULT NULL,
  `h` float(7,3) DEFAULT NULL,
  `i` double DEFAULT NULL,
  `j` double(10,2) unsigned DEFAULT NULL,
  `k` bit(64) DEFAULT NULL,
  `l` date DEFAULT NULL,
  `m` time(6) DEFAULT NULL,
  `n` datetime(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  `o` timestamp(6) NULL DEFAULT NULL,
  `p` year DEFAULT NULL,
  `q` char(255) CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT NULL,
  `r` varchar(3000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `s` binary(255) DEFAULT NULL,
  `t` varbinary(3000) DEFAULT NULL,
  `u` tinytext,
  `v` text,
  `w` mediumtext,
  `x` longtext,
  `y` tinyblob,
  `z` blob,
  `aa` mediumblob,
  `ab` longblob,
  `ac` enum('a','it''s','x,y','\\','"','漢') NOT NULL DEFAULT 'x,y',
  `ad` set('a','b)',' c') DEFAULT NULL,
  `ae` json DEFAULT NULL,
  `af` geometry DEFAULT NULL,
  `ag` point NOT NULL /*!80003 SRID 4326 */,
  `ah` linestring DEFAULT NULL,
  `ai` polygon DEFAULT NULL,
  `aj` multipoint DEFAULT NULL,
  `ak` multilinestring DEFAULT NULL,
  `al` multipolygon DEFAULT NULL,
  `am` geomcollection DEFAULT NULL,
  `an` vector(3) DEFAULT NULL,
  `ao` binary(3) DEFAULT NULL,
  `ap` varchar(5) CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE `bin_t` (
  `a` varbinary(10) DEFAULT NULL,
  `b` blob
) ENGINE=InnoDB DEFAULT CHARSET=binary;

CREATE TABLE `child` (
  `id` int NOT NULL,
  `p` int DEFAULT NULL,
  `x` int DEFAULT NULL,
  `y` int DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `x` (`x`,`y`),
  KEY `p` (`p`),
  CONSTRAINT `child_ibfk_1` FOREIGN KEY (`x`, `y`) REFERENCES `parent` (`x`, `y`) ON DELETE RESTRICT,
  CONSTRAINT `child_ibfk_2` FOREIGN KEY (`p`) REFERENCES `parent` (`id`),
  CONSTRAINT `fk ``1` FOREIGN KEY (`p`) REFERENCES `parent` (`id`) ON DELETE CASCADE ON UPDATE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE `def` (
  `a` varchar(20) DEFAULT '',
  `b` varchar(20) DEFAULT 'it''s',
  `c` int DEFAULT '-5',
  `d` decimal(5,2) DEFAULT '-1.50',
  `e` double DEFAULT '0.00001',
  `f` bit(4) DEFAULT b'101',
  `g` varbinary(4) DEFAULT 0x00FF,
  `h` date DEFAULT '2020-01-01',
  `i` timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  `j` json DEFAULT (json_array(1,_utf8mb4')')),
  `k` varchar(36) DEFAULT (uuid()),
  `l` int DEFAULT ((1 + 2)),
  `m` text DEFAULT (_utf8mb4'abc'),
  `n` varchar(9) CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT 'é'
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE `enc` (
  `a` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci MAX_ROWS=5 AVG_ROW_LENGTH=10 ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=4;

CREATE TABLE `gens` (
  `a` int NOT NULL,
  `v` int GENERATED ALWAYS AS ((`a` * 2)) VIRTUAL,
  `b` varchar(20) DEFAULT (concat(_utf8mb4'a',_utf8mb4')',uuid())),
  `s` varchar(60) GENERATED ALWAYS AS (concat(`b`,_utf8mb4'-',`a`)) STORED COMMENT 'it''s, (x)',
  `c` int DEFAULT '7' /*!80023 INVISIBLE */,
  PRIMARY KEY (`a` DESC),
  UNIQUE KEY `fx` ((lower(`b`))),
  UNIQUE KEY `u` (`b`(5),`c`),
  KEY `mv` ((cast(`v` as char(10) charset utf8mb4))),
  FULLTEXT KEY `ft` (`s`),
  CONSTRAINT `ck` CHECK ((`a` > 1)) /*!80016 NOT ENFORCED */,
  CONSTRAINT `gens_chk_1` CHECK ((`c` in (1,2)))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci STATS_PERSISTENT=1 ROW_FORMAT=DYNAMIC COMMENT='x (y) ''z''';

CREATE TABLE `gipk` (
  `my_row_id` bigint unsigned NOT NULL AUTO_INCREMENT /*!80023 INVISIBLE */,
  `a` int DEFAULT NULL,
  PRIMARY KEY (`my_row_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE `gipk_like` (
  `my_row_id` bigint unsigned NOT NULL AUTO_INCREMENT /*!80023 INVISIBLE */,
  `a` int DEFAULT NULL,
  PRIMARY KEY (`my_row_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE `multi` (
  `id` int NOT NULL,
  `j` json DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `mvi` ((cast(json_extract(`j`,_utf8mb4'$.a') as unsigned array)))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE `odd ``name` (
  `a``b` int NOT NULL,
  `select` int DEFAULT NULL,
  `x,y` int NOT NULL,
  PRIMARY KEY (`a``b`,`x,y`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE `parent` (
  `id` int NOT NULL,
  `x` int DEFAULT NULL,
  `y` int DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `xy` (`x`,`y`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE `part_l` (
  `id` int NOT NULL,
  `c` varchar(5) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci
/*!50500 PARTITION BY LIST  COLUMNS(c)
(PARTITION p0 VALUES IN ('a','b)') ENGINE = InnoDB,
 PARTITION p1 VALUES IN (NULL,'c') ENGINE = InnoDB) */;

CREATE TABLE `part_r` (
  `id` int NOT NULL,
  `d` date NOT NULL,
  PRIMARY KEY (`id`,`d`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci
/*!50100 PARTITION BY RANGE (to_days(`d`))
SUBPARTITION BY HASH (`id`)
SUBPARTITIONS 2
(PARTITION p0 VALUES LESS THAN (738000) COMMENT = 'x)' ENGINE = InnoDB,
 PARTITION p1 VALUES LESS THAN MAXVALUE ENGINE = InnoDB) */;

CREATE TABLE `ser` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `b` tinyint(1) DEFAULT NULL,
  `r` double DEFAULT NULL,
  `n` decimal(5,0) DEFAULT NULL,
  `l` mediumtext,
  `t` tinytext,
  PRIMARY KEY (`id`),
  UNIQUE KEY `id` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

CREATE TABLE `uk` (
  `a` int NOT NULL,
  `b` int DEFAULT NULL,
  `c` int NOT NULL,
  UNIQUE KEY `two` (`c`,`a`),
  UNIQUE KEY `one` (`a`,`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
