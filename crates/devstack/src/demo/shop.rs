//! The shop that the demo backs up: some 20 tables and 300,000 rows of the types that shops have.

use anyhow::Context;
use mysql_async::prelude::Queryable;

use crate::source_server::DatabaseAddress;

/// The schema's name.
pub(super) const SCHEMA: &str = "shop";

/// A table: its columns and keys, how many rows it gets, and the values of row number `seq`.
struct Table {
    name: &'static str,
    definition: &'static str,
    rows: u32,
    values: &'static str,
}

const TABLES: &[Table] = &[
    Table {
        name: "categories",
        definition: "id SMALLINT UNSIGNED NOT NULL PRIMARY KEY, parent SMALLINT UNSIGNED, name VARCHAR(60) NOT NULL",
        rows: 200,
        values: "seq, NULLIF(seq DIV 10, 0), CONCAT('category ', seq)",
    },
    Table {
        name: "brands",
        definition: "id INT NOT NULL PRIMARY KEY, name VARCHAR(80) CHARACTER SET latin1 NOT NULL, country CHAR(2)",
        rows: 300,
        values: "seq, CONCAT('Brand n° ', seq), ELT(1 + seq % 4, 'DE', 'FR', 'JP', 'BR')",
    },
    Table {
        name: "suppliers",
        definition: "id INT NOT NULL PRIMARY KEY, name VARCHAR(80) NOT NULL, contact JSON, location POINT",
        rows: 500,
        values: "seq, CONCAT('Supplier \"', seq, '\"'), JSON_OBJECT('phone', CONCAT('+49 ', seq), 'tags', JSON_ARRAY('a', seq)), POINT(seq, -seq)",
    },
    Table {
        name: "warehouses",
        definition: "id TINYINT UNSIGNED NOT NULL PRIMARY KEY, city VARCHAR(60) NOT NULL, opens TIME, flags BIT(12)",
        rows: 20,
        values: "seq, ELT(1 + seq % 3, 'Köln', 'São Paulo', '大阪'), SEC_TO_TIME(seq * 1800), seq * 100",
    },
    Table {
        name: "products",
        definition: "id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, sku BINARY(8) NOT NULL, name VARCHAR(200) NOT NULL, \
            price DECIMAL(10,2) NOT NULL, weight DOUBLE, state ENUM('draft','active','retired') NOT NULL, \
            labels SET('new','sale','eco','fragile'), description TEXT, category_id SMALLINT UNSIGNED, \
            gross DECIMAL(12,4) GENERATED ALWAYS AS (price * 1.19) VIRTUAL, UNIQUE KEY (sku)",
        rows: 5_000,
        values: "seq, UNHEX(LPAD(HEX(seq), 16, '0')), CONCAT('Product ', seq, IF(seq % 7, '', ' – 特別')), \
            seq % 9973 + 0.99, SQRT(seq), 1 + seq % 3, seq % 16, REPEAT(MD5(seq), seq % 5), 1 + seq % 200",
    },
    Table {
        name: "inventory",
        definition: "warehouse_id TINYINT UNSIGNED NOT NULL, product_id INT NOT NULL, quantity INT NOT NULL, \
            counted_at DATETIME(3), PRIMARY KEY (product_id, warehouse_id)",
        rows: 20_000,
        values: "1 + seq % 4, 1 + seq DIV 4, seq % 500, '2026-01-01' + INTERVAL seq SECOND",
    },
    Table {
        name: "customers",
        definition: "id BIGINT UNSIGNED NOT NULL PRIMARY KEY, email VARCHAR(120) NOT NULL, name VARCHAR(80), \
            born DATE, balance DECIMAL(12,2) NOT NULL DEFAULT 0, created_at TIMESTAMP(6) NOT NULL, UNIQUE KEY (email)",
        rows: 40_000,
        values: "seq, CONCAT('user', seq, '@example.org'), CONCAT(IF(seq % 2, 'Žofie ', 'José '), seq), \
            '1950-01-01' + INTERVAL seq % 20000 DAY, (seq % 1000) - 100.5, '2026-01-01 00:00:00' + INTERVAL seq * 100 MICROSECOND",
    },
    Table {
        name: "addresses",
        definition: "customer_id BIGINT UNSIGNED NOT NULL, kind ENUM('billing','shipping') NOT NULL, \
            street VARCHAR(120), zip CHAR(10), PRIMARY KEY (customer_id, kind)",
        rows: 40_000,
        values: "seq, 1 + seq % 2, CONCAT(seq, ' O''Connell \\\\ Street'), LPAD(seq % 99999, 5, '0')",
    },
    Table {
        name: "orders",
        definition: "id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, customer_id BIGINT UNSIGNED NOT NULL, \
            placed_at DATETIME(6) NOT NULL, total DECIMAL(12,2) NOT NULL, state TINYINT NOT NULL, note TEXT, KEY (customer_id)",
        rows: 60_000,
        values: "seq, 1 + seq % 40000, '2026-02-01' + INTERVAL seq * 37 SECOND, seq % 3000 + 0.5, seq % 5, IF(seq % 10, NULL, CONCAT('note\\n', seq))",
    },
    Table {
        name: "order_items",
        definition: "order_id BIGINT UNSIGNED NOT NULL, line SMALLINT NOT NULL, product_id INT NOT NULL, \
            quantity INT NOT NULL, price DECIMAL(10,2) NOT NULL, PRIMARY KEY (order_id, line)",
        rows: 90_000,
        values: "1 + seq DIV 2, 1 + seq % 2, 1 + seq % 5000, 1 + seq % 9, seq % 997 + 0.49",
    },
    Table {
        name: "payments",
        definition: "id BINARY(16) NOT NULL PRIMARY KEY, order_id BIGINT UNSIGNED NOT NULL, amount DECIMAL(12,2) NOT NULL, \
            paid_at TIMESTAMP NULL, reference VARBINARY(40)",
        rows: 30_000,
        values: "UNHEX(MD5(seq)), seq, seq % 3000 + 0.5, '2026-02-01 08:00:00' + INTERVAL seq SECOND, UNHEX(SHA1(seq))",
    },
    Table {
        name: "shipments",
        definition: "id INT NOT NULL PRIMARY KEY, order_id BIGINT UNSIGNED NOT NULL, carrier VARCHAR(20) NOT NULL, \
            took TIME(3), weight DECIMAL(8,3)",
        rows: 20_000,
        values: "seq, seq, ELT(1 + seq % 3, 'post', 'courier', 'pigeon'), SEC_TO_TIME(seq % 300000 / 7), seq / 16",
    },
    Table {
        name: "reviews",
        definition: "product_id INT NOT NULL, customer_id BIGINT UNSIGNED NOT NULL, stars TINYINT NOT NULL, \
            body MEDIUMTEXT, PRIMARY KEY (product_id, customer_id)",
        rows: 15_000,
        values: "1 + seq % 5000, seq, 1 + seq % 5, CONCAT('Review ', seq, ': ', REPEAT('great 👍 ', seq % 6))",
    },
    Table {
        name: "coupons",
        definition: "code VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, \
            percent DECIMAL(4,1) NOT NULL, valid_until DATE",
        rows: 500,
        values: "CONCAT('SAVE-', LPAD(seq, 5, '0')), seq % 50, '2026-12-31'",
    },
    Table {
        name: "coupon_uses",
        definition: "code VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, used_at DATETIME(6) NOT NULL, \
            order_id BIGINT UNSIGNED, PRIMARY KEY (code, used_at)",
        rows: 3_000,
        values: "CONCAT('SAVE-', LPAD(1 + seq % 500, 5, '0')), '2026-03-01' + INTERVAL seq * 1001 MICROSECOND, seq",
    },
    Table {
        name: "carts",
        definition: "token CHAR(32) CHARACTER SET ascii NOT NULL PRIMARY KEY, customer_id BIGINT UNSIGNED, touched_at DATETIME",
        rows: 5_000,
        values: "MD5(CONCAT('cart', seq)), IF(seq % 3, seq, NULL), '2026-03-01' + INTERVAL seq MINUTE",
    },
    Table {
        name: "cart_items",
        definition: "token CHAR(32) CHARACTER SET ascii NOT NULL, product_id INT NOT NULL, quantity SMALLINT UNSIGNED NOT NULL, \
            PRIMARY KEY (token, product_id)",
        rows: 8_000,
        values: "MD5(CONCAT('cart', 1 + seq % 5000)), seq, 1 + seq % 3",
    },
    Table {
        name: "sessions",
        definition: "id VARBINARY(24) NOT NULL PRIMARY KEY, customer_id BIGINT UNSIGNED, seen TIMESTAMP(3) NOT NULL, state MEDIUMBLOB",
        rows: 5_000,
        values: "UNHEX(LEFT(SHA1(seq), 2 * (4 + seq % 16))), seq, '2026-03-02 00:00:00' + INTERVAL seq * 10 MICROSECOND, UNHEX(SHA2(seq, 512))",
    },
    Table {
        name: "price_history",
        definition: "product_id INT NOT NULL, changed_at DATETIME(6) NOT NULL, price DECIMAL(10,2) NOT NULL, PRIMARY KEY (product_id, changed_at)",
        rows: 10_000,
        values: "1 + seq % 5000, '2025-01-01' + INTERVAL seq * 1234567 MICROSECOND, seq % 9973 + 0.99",
    },
    Table {
        name: "audit_log",
        definition: "id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, at TIMESTAMP(6) NOT NULL, actor VARCHAR(40), detail LONGTEXT",
        rows: 10_000,
        values: "seq, '2026-03-01 00:00:00' + INTERVAL seq SECOND, CONCAT('user', seq % 50), CONCAT('{\"step\": ', seq, '}')",
    },
    // Without a key, and full of equal rows.
    Table {
        name: "page_views",
        definition: "path VARCHAR(60) NOT NULL, customer_id BIGINT UNSIGNED, day DATE NOT NULL",
        rows: 12_000,
        values: "CONCAT('/product/', seq % 40), NULLIF(seq % 25, 0), '2026-03-01' + INTERVAL seq % 3 DAY",
    },
    // Below the binary log: who deletes a list takes its items along, and what was collected for it belongs to none.
    Table {
        name: "wishlists",
        definition: "id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, customer_id BIGINT UNSIGNED NOT NULL, \
            title VARCHAR(60) NOT NULL, public TINYINT(1) NOT NULL DEFAULT 0",
        rows: 4_000,
        values: "seq, 1 + seq % 40000, CONCAT('Wünsche ', seq), seq % 2",
    },
    Table {
        name: "wishlist_items",
        definition: "wishlist_id INT UNSIGNED NOT NULL, product_id INT NOT NULL, wanted SMALLINT NOT NULL, \
            PRIMARY KEY (wishlist_id, product_id), FOREIGN KEY (wishlist_id) REFERENCES wishlists (id) ON DELETE CASCADE",
        rows: 12_000,
        values: "1 + seq % 4000, seq, 1 + seq % 4",
    },
    Table {
        name: "gift_cards",
        definition: "code CHAR(12) CHARACTER SET ascii NOT NULL PRIMARY KEY, amount DECIMAL(8,2) NOT NULL, \
            wishlist_id INT UNSIGNED, FOREIGN KEY (wishlist_id) REFERENCES wishlists (id) ON DELETE SET NULL",
        rows: 3_000,
        values: "LEFT(MD5(seq), 12), seq % 90 + 10, IF(seq % 5, 1 + seq % 4000, NULL)",
    },
    Table {
        name: "settings",
        definition: "name VARCHAR(40) NOT NULL PRIMARY KEY, value BLOB, year_introduced YEAR",
        rows: 50,
        values: "CONCAT('setting.', seq), UNHEX(MD5(seq)), 2000 + seq % 25",
    },
];

/// Creates the shop and fills it, with the server's own sequences: no data crosses the wire. Answers the rows loaded.
pub(super) async fn load(server: &DatabaseAddress) -> anyhow::Result<u64> {
    let mut connection = server.connect().await?;
    connection.query_drop(format!("CREATE DATABASE {SCHEMA} CHARACTER SET utf8mb4")).await?;
    connection.query_drop(format!("USE {SCHEMA}")).await?;
    connection.query_drop("SET time_zone = '+00:00'").await?;
    let mut rows = 0;
    for table in TABLES {
        let Table { name, definition, values, .. } = table;
        let columns = filled_columns(definition);
        connection
            .query_drop(format!("CREATE TABLE {name} ({definition}) ENGINE=InnoDB"))
            .await
            .with_context(|| format!("table {name}"))?;
        connection
            .query_drop(format!("INSERT IGNORE INTO {name} ({columns}) SELECT {values} FROM seq_1_to_{}", table.rows))
            .await
            .with_context(|| format!("rows of {name}"))?;
        rows += connection.affected_rows();
    }
    connection.disconnect().await?;
    Ok(rows)
}

/// The names of the columns that take a value, out of a table's definition.
fn filled_columns(definition: &str) -> String {
    let mut depth = 0;
    let parts = definition.split(|letter| {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0
    });
    let columns = parts.map(str::trim).filter(|part| !part.contains("GENERATED"));
    let names = columns.filter_map(|part| part.split_whitespace().next());
    names.filter(|name| !["PRIMARY", "UNIQUE", "KEY", "FOREIGN"].contains(name)).collect::<Vec<_>>().join(", ")
}

/// How many tables the shop has.
pub(super) fn tables() -> usize {
    TABLES.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_a_definition() {
        let table = TABLES.iter().find(|table| table.name == "products").unwrap();
        assert_eq!(
            filled_columns(table.definition),
            "id, sku, name, price, weight, state, labels, description, category_id"
        );
        let table = TABLES.iter().find(|table| table.name == "inventory").unwrap();
        assert_eq!(filled_columns(table.definition), "warehouse_id, product_id, quantity, counted_at");
        let table = TABLES.iter().find(|table| table.name == "wishlist_items").unwrap();
        assert_eq!(filled_columns(table.definition), "wishlist_id, product_id, wanted");
    }
}
