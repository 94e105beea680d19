/*!40101 SET NAMES binary*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;

/*!40103 SET TIME_ZONE='+00:00' */;
CREATE TABLE `types` (
  `id` bigint(20) unsigned NOT NULL,
  `i` int(11) DEFAULT NULL,
  `d` decimal(30,10) DEFAULT NULL,
  `f` double DEFAULT NULL,
  `b` bit(10) DEFAULT NULL,
  `y` year(4) DEFAULT NULL,
  `dt` datetime(6) DEFAULT NULL,
  `t` time(3) DEFAULT NULL,
  `v` varchar(200) DEFAULT NULL,
  `l` varchar(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT NULL,
  `g` varchar(20) CHARACTER SET gbk COLLATE gbk_chinese_ci DEFAULT NULL,
  `bin` binary(6) DEFAULT NULL,
  `bl` blob DEFAULT NULL,
  `e` enum('a','it''s','x,y') DEFAULT NULL,
  `s` set('one','f our') DEFAULT NULL,
  `js` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`js`)),
  `ge` geometry DEFAULT NULL,
  `z` int(8) unsigned zerofill DEFAULT NULL,
  `u` uuid DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
