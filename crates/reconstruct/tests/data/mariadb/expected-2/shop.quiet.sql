/*!40101 SET NAMES binary*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;
/*!40103 SET TIME_ZONE='+00:00' */;
INSERT INTO `quiet` VALUES
(0,"字é😀"),
(1,"NULL"),
(2,NULL),
(3,"plain"),
(4,"");
