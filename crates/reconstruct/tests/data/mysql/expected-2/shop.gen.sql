/*!40101 SET NAMES binary*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;
/*!40103 SET TIME_ZONE='+00:00' */;
INSERT INTO `gen` (`a`,`d`,`id`) VALUES
(5,"字é😀",1),
(-7,"),(",2),
(5,"plain",3),
(NULL,"字é😀",4),
(-7,"plain",5),
(5,"NULL",6),
(NULL,"",8),
(-6,"),(",10),
(6,"it\'s \"so\"\\\n\0\Z",11),
(NULL,"plain",12);
