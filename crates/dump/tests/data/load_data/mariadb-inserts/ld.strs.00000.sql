/*!40101 SET NAMES binary*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;
/*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION'*/;
/*!40103 SET TIME_ZONE='+00:00' */;
INSERT INTO `strs` VALUES(1,"","","","","","a","")
,(2,NULL,NULL,NULL,NULL,NULL,NULL,NULL)
,(3,"NULL","\\N","\\\\N","é","\0é","b,c","x,y")
,(4,"a	b","a,b","line1\nline2\r\n\0end","q\"uo\'te","\0a\0\\\0b","d\"e","x,z	w")
,(5,"	","\\","\\	","\"","\0\'","a","y")
,(6,"\\t","\\n","\Z","trail\\","\0N","a","x")
,(7," lead","trail "," both ","|pipe|","\0\"","a","x")
,(8,"\",\"","\"\n\"","\n","\',\'","\0	\0	","a","x")
,(9,"N","N","NULL","0x41","\00","a","x")
;
