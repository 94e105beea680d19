/*!40101 SET NAMES binary*/;
CREATE TABLE `vw`(
`id` int,
`v` int
)ENGINE=MyISAM;
