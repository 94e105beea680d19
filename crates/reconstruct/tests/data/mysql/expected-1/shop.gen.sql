/*!40101 SET NAMES binary*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;
/*!40103 SET TIME_ZONE='+00:00' */;
INSERT INTO `gen` (`a`,`d`,`id`) VALUES
(6,"plain",1),
(NULL,NULL,2),
(NULL,"it\'s \"so\"\\\n\0\Z",4),
(-6,"",5),
(6,"",6),
(NULL,"",8),
(-6,"),(",10),
(6,"it\'s \"so\"\\\n\0\Z",11),
(NULL,"plain",12);
