/*!40101 SET NAMES binary*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;
/*!40103 SET TIME_ZONE='+00:00' */;
INSERT INTO `docs` VALUES
("A",CONVERT("{\"a\": [1.0, true, null, \"é\"], \"b\": 1}" USING UTF8MB4)),
("b",CONVERT("\"x\"" USING UTF8MB4));
