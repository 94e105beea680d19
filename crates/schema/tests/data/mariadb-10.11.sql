CREATE TABLE `agg` (
  `a` int(11) NOT NULL COMMENT 'k',
  PRIMARY KEY (`a`)
) ENGINE=Aria DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci PAGE_CHECKSUM=1 TRANSACTIONAL=1;

CREATE TABLE `all_types` (
  `a` tinyint(1) DEFAULT NULL,
  `b` smallint(5) unsigned zerofill DEFAULT NULL,
  `c` mediumint(9) DEFAULT NULL,
  `d` int(10) unsigned DEFAULT NULL,
  `e` bigint(20) unsigned DEFAULT NULL,
  `f` decimal(65,30) DEFAULT NULL,
  `g` float DEFAULT NULL,
  `h` float(7,3) DEFAULT NULL,
  `i` double DEFAULT NULL,
  `j` double(10,2) unsigned DEFAULT NULL,
  `k` bit(64) DEFAULT NULL,
  `l` date DEFAULT NULL,
  `m` time(6) DEFAULT NULL,
  `n` datetime(3) DEFAULT current_timestamp(3) ON UPDATE current_timestamp(3),
  `o` timestamp(6) NULL DEFAULT NULL,
  `p` year(4) DEFAULT NULL,
  `q` char(255) CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT NULL,
  `r` varchar(3000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `s` binary(255) DEFAULT NULL,
  `t` varbinary(3000) DEFAULT NULL,
  `u` tinytext DEFAULT NULL,
  `v` text DEFAULT NULL,
  `w` mediumtext DEFAULT NULL,
  `x` longtext DEFAULT NULL,
  `y` tinyblob DEFAULT NULL,
  `z` blob DEFAULT NULL,
  `aa` mediumblob DEFAULT NULL,
  `ab` longblob DEFAULT NULL,
  `ac` enum('a','it''s','x,y','\\','"','漢') NOT NULL DEFAULT 'x,y',
  `ad` set('a','b)',' c') DEFAULT NULL,
  `ae` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`ae`)),
  `af` geometry DEFAULT NULL,
  `ag` point NOT NULL,
  `ah` linestring DEFAULT NULL,
  `ai` polygon DEFAULT NULL,
  `aj` multipoint DEFAULT NULL,
  `ak` multilinestring DEFAULT NULL,
  `al` multipolygon DEFAULT NULL,
  `am` geometrycollection DEFAULT NULL,
  `an` blob DEFAULT NULL,
  `ao` binary(3) DEFAULT NULL,
  `ap` varchar(5) CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `bin_t` (
  `a` varbinary(10) DEFAULT NULL,
  `b` blob DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=binary;

CREATE TABLE `child` (
  `id` int(11) NOT NULL,
  `p` int(11) DEFAULT NULL,
  `x` int(11) DEFAULT NULL,
  `y` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `x` (`x`,`y`),
  KEY `p` (`p`),
  CONSTRAINT `child_ibfk_1` FOREIGN KEY (`x`, `y`) REFERENCES `parent` (`x`, `y`) ON UPDATE NO ACTION,
  CONSTRAINT `child_ibfk_2` FOREIGN KEY (`p`) REFERENCES `parent` (`id`),
  CONSTRAINT `fk ``1` FOREIGN KEY (`p`) REFERENCES `parent` (`id`) ON DELETE CASCADE ON UPDATE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `def` (
  `a` varchar(20) DEFAULT '',
  `b` varchar(20) DEFAULT 'it''s',
  `c` int(11) DEFAULT -5,
  `d` decimal(5,2) DEFAULT -1.50,
  `e` double DEFAULT 0.00001,
  `f` bit(4) DEFAULT b'101',
  `g` varbinary(4) DEFAULT '\0�',
  `h` date DEFAULT '2020-01-01',
  `i` timestamp NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `j` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT json_array(1,')') CHECK (json_valid(`j`)),
  `k` varchar(36) DEFAULT uuid(),
  `l` int(11) DEFAULT (1 + 2),
  `m` text DEFAULT 'abc',
  `n` varchar(9) CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT 'é'
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `enc` (
  `a` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci MAX_ROWS=5 AVG_ROW_LENGTH=10 ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=4;

CREATE TABLE `gens` (
  `a` int(11) NOT NULL,
  `v` int(11) GENERATED ALWAYS AS (`a` * 2) VIRTUAL,
  `b` varchar(20) DEFAULT concat('a',')',uuid()),
  `s` varchar(60) GENERATED ALWAYS AS (concat(`b`,'-',`a`)) STORED COMMENT 'it''s, (x)',
  `c` int(11) INVISIBLE DEFAULT 7,
  PRIMARY KEY (`a`),
  UNIQUE KEY `u` (`b`(5),`c`),
  FULLTEXT KEY `ft` (`s`),
  CONSTRAINT `ck` CHECK (`a` > 1),
  CONSTRAINT `CONSTRAINT_1` CHECK (`c` in (1,2))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci STATS_PERSISTENT=1 ROW_FORMAT=DYNAMIC COMMENT='x (y) ''z''';

CREATE TABLE `gipk_like` (
  `my_row_id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `a` int(11) DEFAULT NULL,
  PRIMARY KEY (`my_row_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `ix` (
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
  KEY `k` (`a`) IGNORED,
  KEY `d` (`b` DESC),
  CONSTRAINT `cc` CHECK (`a` > 0 and `b` like '%)%')
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `maria` (
  `u` uuid NOT NULL DEFAULT uuid(),
  `i4` inet4 DEFAULT NULL,
  `i6` inet6 DEFAULT '::1',
  `j` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`j`)),
  `c` varchar(20) /*M!100301 COMPRESSED*/ DEFAULT NULL,
  `x` int(11) INVISIBLE DEFAULT 7,
  `y` int(11) DEFAULT NULL WITHOUT SYSTEM VERSIONING,
  `dn` datetime DEFAULT current_timestamp(),
  `e` double DEFAULT 0.00001,
  `s` bigint(20) DEFAULT nextval(`sh`.`sq`),
  PRIMARY KEY (`u`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci `page_compressed`='1' WITH SYSTEM VERSIONING;

CREATE TABLE `mylong` (
  `a` varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_ai_ci DEFAULT NULL,
  `b` text DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;

CREATE TABLE `odd ``name` (
  `a``b` int(11) NOT NULL,
  `select` int(11) DEFAULT NULL,
  `x,y` int(11) NOT NULL,
  PRIMARY KEY (`a``b`,`x,y`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `parent` (
  `id` int(11) NOT NULL,
  `x` int(11) DEFAULT NULL,
  `y` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `xy` (`x`,`y`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `part_l` (
  `id` int(11) NOT NULL,
  `c` varchar(5) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci
 PARTITION BY LIST  COLUMNS(`c`)
(PARTITION `p0` VALUES IN ('a','b)') ENGINE = InnoDB,
 PARTITION `p1` VALUES IN (NULL,'c') ENGINE = InnoDB);

CREATE TABLE `part_r` (
  `id` int(11) NOT NULL,
  `d` date NOT NULL,
  PRIMARY KEY (`id`,`d`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci
 PARTITION BY RANGE (to_days(`d`))
SUBPARTITION BY HASH (`id`)
SUBPARTITIONS 2
(PARTITION `p0` VALUES LESS THAN (738000) COMMENT = 'x)' ENGINE = InnoDB,
 PARTITION `p1` VALUES LESS THAN MAXVALUE ENGINE = InnoDB);

CREATE TABLE `per` (
  `a` int(11) DEFAULT NULL,
  `s` date NOT NULL,
  `e` date NOT NULL,
  PERIOD FOR `p` (`s`, `e`),
  UNIQUE KEY `a` (`a`,`p` WITHOUT OVERLAPS)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `ser` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `b` tinyint(1) DEFAULT NULL,
  `r` double DEFAULT NULL,
  `n` decimal(5,0) DEFAULT NULL,
  `l` mediumtext DEFAULT NULL,
  `t` tinytext DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `id` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `uk` (
  `a` int(11) NOT NULL,
  `b` int(11) DEFAULT NULL,
  `c` int(11) NOT NULL,
  UNIQUE KEY `two` (`c`,`a`),
  UNIQUE KEY `one` (`a`,`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `ver` (
  `a` int(11) NOT NULL,
  `rs` timestamp(6) GENERATED ALWAYS AS ROW START,
  `re` timestamp(6) GENERATED ALWAYS AS ROW END,
  PRIMARY KEY (`a`,`re`),
  PERIOD FOR SYSTEM_TIME (`rs`, `re`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci WITH SYSTEM VERSIONING
 PARTITION BY SYSTEM_TIME 
(PARTITION `p0` HISTORY ENGINE = InnoDB,
 PARTITION `pn` CURRENT ENGINE = InnoDB);
