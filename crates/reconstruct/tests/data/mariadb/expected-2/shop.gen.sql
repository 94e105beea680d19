/*!40101 SET NAMES binary*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;
/*!40103 SET TIME_ZONE='+00:00' */;
INSERT INTO `gen` (`id`,`a`,`d`) VALUES
(1,5,"字é😀"),
(2,-7,"),("),
(3,5,"plain"),
(4,NULL,"字é😀"),
(5,-6,""),
(6,6,""),
(8,NULL,""),
(10,-6,"),("),
(11,6,"it\'s \"so\"\\\n\0\Z"),
(12,NULL,"plain");
