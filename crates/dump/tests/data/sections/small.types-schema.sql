/*!40101 SET NAMES binary*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;
/*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION'*/;
/*!40103 SET TIME_ZONE='+00:00' */;
CREATE TABLE `types` (
  `id` bigint unsigned NOT NULL,
  `b` bit(10) DEFAULT NULL,
  `dt` datetime(6) DEFAULT NULL,
  `v` varchar(200) DEFAULT NULL,
  `bin` binary(6) DEFAULT NULL,
  `bl` blob,
  `js` json DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
