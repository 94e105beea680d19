//! Results of tables that changed in the window go into a server with myloader, the distribution's and newer ones: they
//! read schema files with several statements in their own ways.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use backtrail_devstack::{DatabaseAddress, DatabaseOptions, Family, MariaDb, MySql, StackDirectory};
use backtrail_tests::{
    Contents, contents, copy_log, dump, execute, load_with, newer_mydumper, position, reconstruct, stock_mydumper,
};
use mysql_async::prelude::Queryable;

const TABLES: &[&str] = &[
    "CREATE DATABASE shop CHARACTER SET utf8mb4",
    "CREATE TABLE shop.customers (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60) NOT NULL, KEY by_name (name))",
    "CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, customer INT, total DECIMAL(10,2), \
     CONSTRAINT of_customer FOREIGN KEY (customer) REFERENCES shop.customers (id) ON DELETE CASCADE)",
    "CREATE TABLE shop.`lines` (number INT NOT NULL, `order` INT NOT NULL, what VARCHAR(40), \
     FOREIGN KEY (`order`) REFERENCES shop.orders (id))",
    "CREATE TABLE shop.log (at DATETIME, text VARCHAR(100))",
    "CREATE TABLE shop.quiet (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(30))",
    "CREATE VIEW shop.names AS SELECT id, name FROM shop.customers",
    "INSERT INTO shop.customers (name) VALUES ('Ada'), ('Bob'), ('Chloé')",
    "INSERT INTO shop.orders (customer, total) VALUES (1, 10.5), (2, 20), (3, 30.25), (3, 1)",
    "INSERT INTO shop.lines VALUES (1, 1, 'a;b'), (2, 1, 'it''s'), (1, 4, '-- no comment')",
    "INSERT INTO shop.log VALUES ('2024-02-29 12:00:00', 'begins'), ('2024-02-29 12:00:00', 'begins')",
    "INSERT INTO shop.quiet (v) VALUES ('stays')",
];

const CHANGES: &[&str] = &[
    "ALTER TABLE shop.customers ADD COLUMN level INT NOT NULL DEFAULT 3 COMMENT 'a;b', RENAME COLUMN name TO full_name, \
     ADD UNIQUE KEY named (full_name, level)",
    "CREATE INDEX by_level ON shop.customers (level)",
    "INSERT INTO shop.customers (full_name) VALUES ('Dora')",
    "ALTER TABLE shop.orders MODIFY total DECIMAL(14,4) AFTER id, ADD KEY by_total (total)",
    "RENAME TABLE shop.orders TO shop.purchases",
    "ALTER TABLE shop.`lines` ADD PRIMARY KEY (`order`, number), MODIFY what TEXT FIRST",
    "UPDATE shop.purchases SET total = total * 2 WHERE id < 3",
    "INSERT INTO shop.quiet (v) VALUES ('goes')",
    "DELETE FROM shop.quiet WHERE v = 'goes'",
    "TRUNCATE shop.log",
    "ALTER TABLE shop.log ADD COLUMN level ENUM('low','high') NOT NULL DEFAULT 'low'",
    "INSERT INTO shop.log (text) VALUES ('again')",
    "CREATE TABLE shop.stock LIKE shop.quiet",
    "ALTER TABLE shop.stock ADD customer INT, ADD FOREIGN KEY (customer) REFERENCES shop.customers (id) ON UPDATE SET NULL",
    "INSERT INTO shop.stock (v, customer) VALUES ('new', 4)",
    "CREATE OR REPLACE VIEW shop.names AS SELECT id, full_name FROM shop.customers",
    "CREATE TRIGGER shop.counts AFTER INSERT ON shop.purchases FOR EACH ROW UPDATE shop.stock SET v = 'x;y' WHERE id = NEW.id",
];

/// What there is, as the server shows it: rows, definitions and triggers.
async fn everything(server: &DatabaseAddress) -> anyhow::Result<(Contents, Vec<String>)> {
    let rows = contents(server, "shop").await?;
    let mut connection = server.connect().await?;
    let names: Vec<String> = connection
        .query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'shop' ORDER BY 1")
        .await?;
    let mut shown = Vec::new();
    for name in names {
        let row: Option<mysql_async::Row> = connection.query_first(format!("SHOW CREATE TABLE shop.`{name}`")).await?;
        shown.push(row.and_then(|row| row.get::<String, _>(1)).context(name)?);
    }
    let triggers: Vec<String> = connection
        .query(
            "SELECT CONCAT_WS(' ', trigger_name, action_timing, event_manipulation, event_object_table, action_statement) \
             FROM information_schema.triggers WHERE trigger_schema = 'shop' ORDER BY 1",
        )
        .await?;
    shown.extend(triggers);
    connection.disconnect().await?;
    Ok((rows, shown))
}

async fn loads(
    mydumper: &Path,
    myloaders: &[PathBuf],
    directory: &Path,
    (source, data): (&DatabaseAddress, &Path),
    scratch: &DatabaseAddress,
) -> anyhow::Result<()> {
    execute(source, TABLES).await?;
    let baseline = directory.join("baseline");
    dump(mydumper, source, &baseline, &["--triggers"]).await?;
    // Implied keys and orders of columns differ in nothing that is said: the family's own words are left to it.
    let changes: Vec<&str> = match source.family {
        Family::Mysql => CHANGES.to_vec(),
        Family::Mariadb => [CHANGES, &["ALTER TABLE shop.purchases ADD COLUMN IF NOT EXISTS note TEXT"]].concat(),
    };
    execute(source, &changes).await?;
    let truth = everything(source).await?;
    let target = position(source).await?.0;
    execute(source, &["DELETE FROM shop.`lines`", "DROP TABLE shop.quiet"]).await?;
    let log = directory.join("log");
    copy_log(data, &log)?;
    let out = directory.join("out");
    reconstruct(&baseline, &log, &target, &out).await?;
    for myloader in myloaders {
        execute(scratch, &["DROP DATABASE IF EXISTS shop"]).await?;
        load_with(myloader, scratch, &out).await.with_context(|| myloader.display().to_string())?;
        let (rows, shown) = everything(scratch).await?;
        ensure!(rows == truth.0, "{}: {rows:#?} instead of {:#?}", myloader.display(), truth.0);
        ensure!(shown == truth.1, "{}: {shown:#?} instead of {:#?}", myloader.display(), truth.1);
    }
    Ok(())
}

#[tokio::test]
async fn altered_tables_of_mariadb_load_with_every_myloader() {
    let stock = stock_mydumper().await.unwrap();
    let newer = newer_mydumper().await.map(|program| program.with_file_name("myloader"));
    let myloaders: Vec<PathBuf> = [PathBuf::from("myloader")].into_iter().chain(newer).collect();
    let directory = StackDirectory::create("loading").unwrap();
    let source = MariaDb::start(directory.path().join("source"), DatabaseOptions::default()).await.unwrap();
    let options = DatabaseOptions { server_id: 2, ..DatabaseOptions::default() };
    let scratch = MariaDb::start(directory.path().join("scratch"), options).await.unwrap();
    let data = source.data_directory();
    loads(&stock.program, &myloaders, directory.path(), (&source, &data), &scratch).await.unwrap();
}

#[tokio::test]
async fn altered_tables_of_mysql_load_with_a_newer_myloader() {
    let Some(mydumper) = newer_mydumper().await else { return };
    if !MySql::available() {
        eprintln!("left out: MySQL is not installed (`devstack install --mysql`)");
        return;
    }
    let directory = StackDirectory::create("loading").unwrap();
    let options = DatabaseOptions::with_arguments(["--explain-format=TRADITIONAL"]);
    let source = MySql::start(directory.path().join("source"), options).await.unwrap();
    let options = DatabaseOptions { server_id: 2, ..DatabaseOptions::default() };
    let scratch = MySql::start(directory.path().join("scratch"), options).await.unwrap();
    let data = source.data_directory();
    let myloader = mydumper.with_file_name("myloader");
    loads(&mydumper, &[myloader], directory.path(), (&source, &data), &scratch).await.unwrap();
}
