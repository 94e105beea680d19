/*!40101 SET NAMES binary*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;
/*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION'*/;
/*!40103 SET TIME_ZONE='+00:00' */;
INSERT INTO `js` VALUES(1,_binary "{\"a\": \"t\\tb\\\"q\\\\\", \"é\": [1, 2.5, null, true]}",_binary "\"x\"")
,(2,NULL,NULL)
,(3,_binary "null",_binary "\"\\\\N\"")
;
