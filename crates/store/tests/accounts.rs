//! Tenants, keys, servers: who may see what, and what is readable in the database.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use backtrail_domain::{Permission, Role};
use backtrail_store::servers::UNIQUE_NAME;
use backtrail_store::{ApiKey, NewApiKey, Server, ServerChanges, Store, StoreError, StoreSettings, Tenant, tenants};
use secrecy::ExposeSecret;
use support::{World, new_server, now};

#[tokio::test]
async fn migrations_are_safe_to_run_at_once_and_again() {
    let database = backtrail_devstack::shared::TestDatabase::create().await.unwrap();
    let store = Store::connect(&StoreSettings::for_url(database.url())).await.unwrap();
    assert!(!store.is_migrated().await.unwrap());
    let (a, b, c) = tokio::join!(store.migrate(), store.migrate(), store.migrate());
    a.and(b).and(c).unwrap();
    assert!(store.is_migrated().await.unwrap());
    store.migrate().await.unwrap();
    store.ping().await.unwrap();
}

#[tokio::test]
async fn no_database_is_unavailable_and_no_secret_is_told() {
    let mut settings = StoreSettings::for_url("postgres://joe:s3cret@127.0.0.1:1/nowhere");
    settings.database_timeout = Duration::from_secs(2);
    let error = Store::connect(&settings).await.unwrap_err();
    assert!(error.retryable(), "{error:?}");
    assert!(!format!("{error} {error:?} {settings:?}").contains("s3cret"));
}

#[tokio::test]
async fn tenants_have_names_of_their_own() {
    let world = World::new().await;
    let error = Tenant::create(&world.store, "acme").await.unwrap_err();
    assert!(error.is_conflict(tenants::UNIQUE_NAME), "{error:?}");
    Tenant::create(&world.store, "beta").await.unwrap();
    let names: Vec<_> = Tenant::list(&world.store).await.unwrap().into_iter().map(|tenant| tenant.name).collect();
    assert_eq!(names, ["acme", "beta"]);
    assert_eq!(Tenant::by_name(&world.store, "acme").await.unwrap().unwrap().id, world.tenant);
    assert_eq!(Tenant::by_name(&world.store, "nobody").await.unwrap(), None);
    assert_eq!(Tenant::find(&world.store, world.tenant).await.unwrap().unwrap().name, "acme");
}

#[tokio::test]
async fn keys_are_valid_until_revoked_or_expired() {
    let world = World::new().await;
    let new = |sum: u8, expires_at| NewApiKey {
        tenant_id: world.tenant,
        name: "ci".to_owned(),
        prefix: "bt_live_12345678".to_owned(),
        sha256: [sum; 32],
        permissions: Role::Operator.permissions().to_vec(),
        role: Some(Role::Operator),
        expires_at,
    };
    let key = ApiKey::create(&world.store, new(1, None)).await.unwrap();
    let found = ApiKey::authenticate(&world.store, &[1; 32]).await.unwrap().unwrap();
    assert_eq!((found.id, found.tenant_id), (key.id, world.tenant));
    assert!(found.permissions.contains(&Permission::BackupCreate));
    assert_eq!(ApiKey::authenticate(&world.store, &[2; 32]).await.unwrap(), None);

    // Its use is noted, but not with every request.
    let used = ApiKey::list(&world.store, world.tenant).await.unwrap()[0].last_used_at.unwrap();
    ApiKey::authenticate(&world.store, &[1; 32]).await.unwrap().unwrap();
    assert_eq!(ApiKey::list(&world.store, world.tenant).await.unwrap()[0].last_used_at, Some(used));

    ApiKey::create(&world.store, new(3, Some(now() - Duration::from_secs(1)))).await.unwrap();
    assert_eq!(ApiKey::authenticate(&world.store, &[3; 32]).await.unwrap(), None);
    ApiKey::create(&world.store, new(4, Some(now() + Duration::from_secs(600)))).await.unwrap();
    assert!(ApiKey::authenticate(&world.store, &[4; 32]).await.unwrap().is_some());

    let other = Tenant::create(&world.store, "beta").await.unwrap().id;
    assert!(matches!(ApiKey::revoke(&world.store, other, key.id).await, Err(StoreError::NotFound { .. })));
    let revoked = ApiKey::revoke(&world.store, world.tenant, key.id).await.unwrap().revoked_at;
    assert!(revoked.is_some());
    assert_eq!(ApiKey::revoke(&world.store, world.tenant, key.id).await.unwrap().revoked_at, revoked);
    assert_eq!(ApiKey::authenticate(&world.store, &[1; 32]).await.unwrap(), None);
    assert_eq!(ApiKey::list(&world.store, other).await.unwrap(), []);
}

#[tokio::test]
async fn servers_belong_to_their_tenant() {
    let world = World::new().await;
    let World { store, key, .. } = &world;
    let other = Tenant::create(store, "beta").await.unwrap().id;
    assert_eq!(Server::find(store, other, world.server).await.unwrap(), None);
    assert_eq!(Server::list(store, other).await.unwrap(), []);
    let changes = || ServerChanges { username: Some("x".to_owned()), ..ServerChanges::default() };
    let error = Server::update(store, key, other, world.server, changes()).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error:?}");
    assert!(matches!(Server::soft_delete(store, other, world.server).await, Err(StoreError::NotFound { .. })));

    let error = Server::create(store, key, new_server(world.tenant, "production-db")).await.unwrap_err();
    assert!(error.is_conflict(UNIQUE_NAME), "{error:?}");
    let theirs = Server::create(store, key, new_server(other, "production-db")).await.unwrap();
    let ours = Server::find(store, world.tenant, world.server).await.unwrap().unwrap();
    assert_ne!(ours.number, theirs.number);

    Server::set_preflight(store, world.server, &serde_json::json!({"reachable": true})).await.unwrap();
    let ours = Server::find(store, world.tenant, world.server).await.unwrap().unwrap();
    assert_eq!(ours.preflight.unwrap()["reachable"], true);
    assert!(ours.preflight_at.is_some());

    Server::soft_delete(store, world.tenant, world.server).await.unwrap();
    assert_eq!(Server::find(store, world.tenant, world.server).await.unwrap(), None);
    assert_eq!(Server::list(store, world.tenant).await.unwrap(), []);
    assert!(matches!(Server::soft_delete(store, world.tenant, world.server).await, Err(StoreError::NotFound { .. })));
    let removed = Server::by_id(store, world.server).await.unwrap().unwrap();
    assert!(removed.deleted_at.is_some() && removed.sealed_password.is_none());
    // The name is free again.
    Server::create(store, key, new_server(world.tenant, "production-db")).await.unwrap();
}

#[tokio::test]
async fn a_saved_password_opens_for_its_host_only() {
    let world = World::new().await;
    let World { store, key, tenant, server, .. } = &world;
    let found = Server::find(store, *tenant, *server).await.unwrap().unwrap();
    assert_eq!(key.unseal(&found).unwrap().unwrap().expose_secret(), "hunter2-plain");

    // Copied to a row for another host, it is of no use.
    let mut moved = found.clone();
    moved.host = "evil.example".to_owned();
    assert!(matches!(key.unseal(&moved), Err(StoreError::Sealing { .. })));

    let changes = ServerChanges { username: Some("other".to_owned()), ..ServerChanges::default() };
    let changed = Server::update(store, key, *tenant, *server, changes).await.unwrap();
    assert!(key.unseal(&changed).unwrap().is_some());
    let changes = ServerChanges { host: Some("new.example".to_owned()), ..ServerChanges::default() };
    let changed = Server::update(store, key, *tenant, *server, changes).await.unwrap();
    assert_eq!(changed.sealed_password, None);
    let changes = ServerChanges {
        port: Some(3307),
        password: Some(Some("second".into())),
        tls_ca: Some(Some("pem".to_owned())),
        ..ServerChanges::default()
    };
    let changed = Server::update(store, key, *tenant, *server, changes).await.unwrap();
    assert_eq!(key.unseal(&changed).unwrap().unwrap().expose_secret(), "second");
    assert_eq!((changed.host.as_str(), changed.port, changed.tls_ca.as_deref()), ("new.example", 3307, Some("pem")));
    let changes = ServerChanges { password: Some(None), tls_ca: Some(None), ..ServerChanges::default() };
    let changed = Server::update(store, key, *tenant, *server, changes).await.unwrap();
    assert_eq!((changed.sealed_password, changed.tls_ca), (None, None));
}

#[tokio::test]
async fn no_secret_is_readable_in_the_database() {
    let world = World::new().await;
    let client = world.client().await;
    let tables = client
        .query("SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'", &[])
        .await
        .unwrap();
    assert!(tables.len() > 10);
    for table in tables {
        let table: String = table.get(0);
        for row in client.query(&format!("SELECT t::text FROM {table} t"), &[]).await.unwrap() {
            let text: String = row.get(0);
            let hex: String = "hunter2-plain".bytes().map(|byte| format!("{byte:02x}")).collect();
            assert!(!text.contains("hunter2-plain") && !text.contains(&hex), "{table}: {text}");
        }
    }
}
