//! Customers at work: several connections that change the shop in transactions of their own, until they are stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::Context;
use mysql_async::prelude::Queryable;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::RwLock;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::shop::SCHEMA;
use crate::source_server::DatabaseAddress;

/// The connections at work.
pub(super) struct Traffic {
    /// Held for reading by every transaction: who takes it for writing stops the traffic between transactions.
    gate: Arc<RwLock<()>>,
    changes: Arc<AtomicU64>,
    /// Orders have a channel.
    altered: Arc<AtomicBool>,
    stop: CancellationToken,
    connections: JoinSet<anyhow::Result<()>>,
}

impl Traffic {
    /// Starts `connections` of them.
    pub(super) fn start(server: &DatabaseAddress, connections: u64) -> Self {
        let mut traffic = Self {
            gate: Arc::default(),
            changes: Arc::default(),
            altered: Arc::default(),
            stop: CancellationToken::new(),
            connections: JoinSet::new(),
        };
        for number in 0..connections {
            let customer = Customer {
                number,
                gate: traffic.gate.clone(),
                changes: traffic.changes.clone(),
                altered: traffic.altered.clone(),
                stop: traffic.stop.clone(),
            };
            traffic.connections.spawn(customer.work(server.clone()));
        }
        traffic
    }

    /// Row changes so far.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Waits until that many rows have changed.
    pub(super) async fn wait_for(&mut self, changes: u64) -> anyhow::Result<()> {
        while self.changes() < changes {
            if let Some(ended) = self.connections.try_join_next() {
                ended??;
                anyhow::bail!("a connection ended early");
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Changes the shop's definition while the connections work, and empties a table of it.
    pub(super) async fn alter(&self, server: &DatabaseAddress) -> anyhow::Result<()> {
        server
            .execute([
                format!(
                    "ALTER TABLE {SCHEMA}.orders ADD COLUMN channel VARCHAR(12) NOT NULL DEFAULT 'web' AFTER total"
                ),
                format!("TRUNCATE TABLE {SCHEMA}.sessions"),
            ])
            .await?;
        self.altered.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Holds every connection between two transactions for as long as the guard lives.
    pub(super) async fn pause(&self) -> tokio::sync::OwnedRwLockWriteGuard<()> {
        self.gate.clone().write_owned().await
    }

    /// Ends the traffic; answers the row changes it made.
    pub(super) async fn stop(mut self) -> anyhow::Result<u64> {
        self.stop.cancel();
        while let Some(ended) = self.connections.join_next().await {
            ended??;
        }
        Ok(self.changes.load(Ordering::Relaxed))
    }
}

/// One connection.
struct Customer {
    number: u64,
    gate: Arc<RwLock<()>>,
    changes: Arc<AtomicU64>,
    altered: Arc<AtomicBool>,
    stop: CancellationToken,
}

impl Customer {
    async fn work(self, server: DatabaseAddress) -> anyhow::Result<()> {
        let mut connection = server.connect().await?;
        connection.query_drop(format!("USE {SCHEMA}")).await?;
        let mut random = StdRng::seed_from_u64(self.number);
        while !self.stop.is_cancelled() {
            let _open = self.gate.read().await;
            connection.query_drop("START TRANSACTION").await?;
            let mut changed = 0;
            for statement in transaction(&mut random, self.number, self.altered.load(Ordering::Relaxed)) {
                match connection.query_drop(&statement).await {
                    Ok(()) => changed += connection.affected_rows(),
                    // Two customers at the same row: the server ended the transaction, as it would a real one's. Or the
                    // table was altered since the transaction began.
                    Err(mysql_async::Error::Server(error)) if [1205, 1213, 1412].contains(&error.code) => {
                        connection.query_drop("ROLLBACK").await?;
                        changed = 0;
                        break;
                    }
                    Err(error) => return Err(error).context(statement),
                }
            }
            // Now and then a customer thinks better of it.
            let end = if random.random_ratio(1, 12) { "ROLLBACK" } else { "COMMIT" };
            connection.query_drop(end).await?;
            if end == "COMMIT" {
                self.changes.fetch_add(changed, Ordering::Relaxed);
            }
        }
        connection.disconnect().await?;
        Ok(())
    }
}

/// What one transaction does. `number` keeps the keys that connections invent apart.
fn transaction(random: &mut StdRng, number: u64, altered: bool) -> Vec<String> {
    let customer = random.random_range(1..=40_000);
    let product = random.random_range(1..=5_000);
    let unique: u32 = random.random();
    match random.random_range(0..11) {
        0 => vec![
            format!(
                "INSERT INTO orders (customer_id, placed_at, total, state, note) VALUES ({customer}, NOW(6), {product}.25, 0, 'it''s \\\\ \\n new')"
            ),
            format!("INSERT INTO order_items SELECT LAST_INSERT_ID(), seq, {product}, seq, 9.99 FROM seq_1_to_3"),
            format!("UPDATE inventory SET quantity = quantity - 3, counted_at = NOW(3) WHERE product_id = {product}"),
        ],
        1 => vec![
            format!(
                "UPDATE customers SET balance = balance - 1.5, name = CONCAT('Ünal ', {unique}) WHERE id = {customer}"
            ),
            format!(
                "INSERT INTO audit_log (at, actor, detail) VALUES (NOW(6), 'c{number}', REPEAT('x', {}))",
                unique % 500
            ),
        ],
        // A key that changes: the old one must be gone from the result, the new one there.
        2 => vec![format!(
            "UPDATE IGNORE reviews SET customer_id = {}, stars = 5 WHERE product_id = {product} LIMIT 1",
            100_000 + u64::from(unique)
        )],
        3 => vec![
            format!("DELETE FROM cart_items WHERE product_id = {product}"),
            format!("INSERT INTO carts VALUES (MD5('{number}-{unique}'), {customer}, NOW())"),
            format!("INSERT INTO cart_items VALUES (MD5('{number}-{unique}'), {product}, 2)"),
        ],
        4 => vec![
            format!("UPDATE products SET price = price + 0.01, labels = {} WHERE id = {product}", unique % 16),
            format!("INSERT IGNORE INTO price_history VALUES ({product}, NOW(6), {product}.99)"),
        ],
        5 => vec![format!("DELETE FROM sessions WHERE customer_id = {customer}"), {
            format!(
                "INSERT IGNORE INTO sessions VALUES (UNHEX(MD5('{number}-{unique}')), {customer}, NOW(3), UNHEX(SHA1({unique})))"
            )
        }],
        // Rows that only their number tells apart from others.
        6 => vec![
            format!("INSERT INTO page_views SELECT '/product/{}', NULL, '2026-03-01' FROM seq_1_to_2", product % 40),
            format!("DELETE FROM page_views WHERE path = '/product/{}' LIMIT 1", unique % 40),
            format!("UPDATE page_views SET customer_id = 1 WHERE path = '/product/{}' LIMIT 2", customer % 40),
        ],
        // What this does to the items and gift cards of the list is not in the binary log.
        7 => vec![
            format!("DELETE FROM wishlists WHERE id = {}", 1 + unique % 4_000),
            format!("INSERT INTO wishlists (customer_id, title) VALUES ({customer}, 'again {unique}')"),
            "INSERT INTO wishlist_items SELECT LAST_INSERT_ID(), seq, 1 FROM seq_1_to_3".to_owned(),
            "UPDATE gift_cards SET wishlist_id = LAST_INSERT_ID() WHERE wishlist_id IS NULL LIMIT 1".to_owned(),
        ],
        8 => vec![
            format!(
                "INSERT IGNORE INTO wishlist_items SELECT id, {product}, 2 FROM wishlists WHERE id >= {} LIMIT 2",
                1 + unique % 4_000
            ),
            format!("DELETE FROM wishlists WHERE customer_id = {customer} LIMIT 1"),
        ],
        9 if altered => vec![format!(
            "INSERT INTO orders (customer_id, placed_at, total, channel, state) VALUES ({customer}, NOW(6), 1, 'app', 0), \
             ({customer}, NOW(6), 2, DEFAULT, 0)"
        )],
        _ => vec![format!("UPDATE orders SET state = state + 1, total = total * 1.01 WHERE customer_id = {customer}")],
    }
}
