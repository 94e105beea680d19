/*!40101 SET NAMES binary*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;

/*!40103 SET TIME_ZONE='+00:00' */;
CREATE TABLE `gen` (
  `a` int(11) NOT NULL,
  `g` int(11) GENERATED ALWAYS AS (`a` + 1) VIRTUAL,
  `c,d` varchar(5) DEFAULT NULL,
  PRIMARY KEY (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
