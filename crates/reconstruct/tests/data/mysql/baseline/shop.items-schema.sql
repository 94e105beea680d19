/*!40101 SET NAMES binary*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;

/*!40103 SET TIME_ZONE='+00:00' */;
CREATE TABLE `items` (
  `order_id` int NOT NULL,
  `line` smallint NOT NULL,
  `sku` char(8) DEFAULT NULL,
  `price` double DEFAULT NULL,
  PRIMARY KEY (`order_id`,`line`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
