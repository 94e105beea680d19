/*!40101 SET NAMES binary*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;
/*!40103 SET TIME_ZONE='+00:00' */;
INSERT INTO `gen` (`a`,`d`,`id`) VALUES
(5,"plain",1),
(NULL,NULL,2),
(NULL,"it\'s \"so\"\\\n\0\Z",4),
(-7,"",5),
(5,"",6),
(-7,"字é😀",8),
(-7,"),(",10),
(5,"it\'s \"so\"\\\n\0\Z",11),
(NULL,"plain",12);
