/*!40101 SET NAMES binary*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;

/*!40103 SET TIME_ZONE='+00:00' */;
CREATE TABLE `odd name-x` (
  `sel ect` int(11) NOT NULL,
  `va``l` varchar(9) DEFAULT NULL,
  PRIMARY KEY (`sel ect`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
