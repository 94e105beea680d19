//! The gateway's process: settings in, requests answered and messages relayed until asked to stop.

use std::process::ExitCode;

use anyhow::Context as _;
use backtrail_gateway::{Dependencies, Gateway, Settings};
use backtrail_objects::ObjectStore;
use backtrail_queue::Queue;
use backtrail_service::Context;
use backtrail_store::Store;
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    backtrail_service::run("gateway", |context: Context, settings: Settings| async move {
        let store = Store::open(&settings.store).context("the database cannot be used")?;
        let queue = Queue::open(&settings.queue, context.cancelled.clone()).context("the queue cannot be used")?;
        let dependencies = Dependencies {
            store: store.clone(),
            objects: ObjectStore::connect(&settings.objects).context("the object store cannot be used")?,
            secret_key: settings.sealing.secret_key.required()?,
            health: context.health,
        };
        let gateway = Gateway::build(&settings.gateway, dependencies)?;
        tracing::info!(address = %gateway.address(), "REST API open");
        let relay = relay(store, queue, context.cancelled.clone());
        tokio::try_join!(async { gateway.run_until(context.cancelled).await.context("the REST API") }, relay)?;
        Ok(())
    })
}

/// Relays messages to a broker that need not be there yet: requests are answered all the same, and messages wait.
async fn relay(store: Store, queue: Queue, cancelled: CancellationToken) -> anyhow::Result<()> {
    backtrail_relay::run(store, queue.clone(), cancelled).await;
    queue.close().await;
    Ok(())
}
