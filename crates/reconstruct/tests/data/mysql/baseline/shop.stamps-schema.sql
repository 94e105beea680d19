/*!40101 SET NAMES binary*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;

/*!40103 SET TIME_ZONE='+00:00' */;
CREATE TABLE `stamps` (
  `t` datetime(6) NOT NULL,
  `d` date NOT NULL,
  `span` time(2) NOT NULL,
  `y` year DEFAULT NULL,
  UNIQUE KEY `k` (`t`,`d`,`span`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
