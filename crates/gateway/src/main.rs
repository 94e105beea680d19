//! The gateway's process: settings in, requests answered and messages relayed until asked to stop.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use backtrail_gateway::{Dependencies, Gateway, Settings};
use backtrail_objects::ObjectStore;
use backtrail_queue::{Queue, QueueError, QueueSettings};
use backtrail_service::{Context, telemetry};
use backtrail_store::Store;
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    backtrail_service::run("gateway", |context: Context, settings: Settings| async move {
        let store = Store::connect(&settings.store).await.context("the database cannot be used")?;
        let dependencies = Dependencies {
            store: store.clone(),
            objects: ObjectStore::connect(&settings.objects).context("the object store cannot be used")?,
            secret_key: settings.sealing.secret_key.required()?,
            health: context.health,
        };
        let gateway = Gateway::build(&settings.gateway, dependencies)?;
        tracing::info!(address = %gateway.address(), "REST API open");
        let relay = relay(store, settings.queue, context.cancelled.clone());
        tokio::try_join!(async { gateway.run_until(context.cancelled).await.context("the REST API") }, relay)?;
        Ok(())
    })
}

/// Relays messages to a broker that need not be there yet: requests are answered all the same, and messages wait.
async fn relay(store: Store, settings: QueueSettings, cancelled: CancellationToken) -> anyhow::Result<()> {
    while !cancelled.is_cancelled() {
        match Queue::connect(&settings, cancelled.clone()).await {
            Ok(queue) => {
                backtrail_relay::run(store, queue.clone(), cancelled).await;
                queue.close().await;
                return Ok(());
            }
            Err(
                error @ (QueueError::Setting(_) | QueueError::Url { .. } | QueueError::CertificateAuthority { .. }),
            ) => {
                return Err(error).context("the queue cannot be used");
            }
            Err(error) => tracing::warn!(error = %telemetry::chain(&error), "no connection to the queue; trying again"),
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            () = cancelled.cancelled() => {}
        }
    }
    Ok(())
}
