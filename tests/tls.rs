//! A source that wants TLS of everyone: the preflight, the agent and mydumper's own connections.

use std::path::Path;

use anyhow::Context;
use backtrail_devstack::DatabaseAddress;
use backtrail_source::mydumper::{DumpProcess, DumpRequest, Mydumper, PrivateDirectory, plan_arguments};
use backtrail_source::{SourceEndpoint, TlsMode};
use backtrail_tests::{World, WorldOptions, execute, newer_mydumper};
use mysql_async::prelude::Queryable;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::{Value, json};

/// A private authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> anyhow::Result<Self> {
        let mut parameters = CertificateParams::new(Vec::new())?;
        parameters.distinguished_name.push(DnType::CommonName, "an authority");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Ok(Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)?))
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// Writes a certificate for a name or address with its key; answers the server's options that use them.
    fn certify(&self, name: &str, directory: &Path) -> anyhow::Result<Vec<String>> {
        let key = KeyPair::generate()?;
        let mut parameters = CertificateParams::new(vec![name.to_owned()])?;
        parameters.distinguished_name.push(DnType::CommonName, "a server");
        let certificate = parameters.signed_by(&key, &self.0)?;
        std::fs::create_dir_all(directory)?;
        let mut options = Vec::new();
        for (option, text) in [("ca", self.pem()), ("cert", certificate.pem()), ("key", key.serialize_pem())] {
            let path = directory.join(format!("{option}.pem"));
            std::fs::write(&path, text)?;
            options.push(format!("--ssl-{option}={}", path.display()));
        }
        Ok(options)
    }
}

/// An account that gets in under TLS alone.
async fn account(source: &DatabaseAddress) -> anyhow::Result<()> {
    execute(
        source,
        &[
            "CREATE USER secured@'%' IDENTIFIED BY 'hunter2' REQUIRE SSL",
            "GRANT ALL ON *.* TO secured@'%'",
            "CREATE DATABASE shop",
            "CREATE TABLE shop.a (id INT NOT NULL PRIMARY KEY)",
            "INSERT INTO shop.a VALUES (1), (2)",
        ],
    )
    .await
}

async fn register(
    world: &World,
    name: &str,
    source: &DatabaseAddress,
    mode: &str,
    ca: Option<&str>,
) -> anyhow::Result<Value> {
    let body = json!({
        "name": name, "host": source.host, "port": source.port, "username": "secured", "password": "hunter2",
        "tls_mode": mode, "tls_ca": ca,
    });
    world.api.post("/servers", &body).await
}

/// Backs up under a mode of TLS, and has the agent archive up to a target.
async fn works(world: &World, source: &DatabaseAddress, mode: &str, ca: Option<&str>) -> anyhow::Result<()> {
    let server = register(world, &format!("{mode}-{}", source.port), source, mode, ca).await?;
    anyhow::ensure!(server["preflight"]["encrypted"] == true, "{mode}: {server}");
    let id = server["id"].as_str().context("no id")?;
    let backup = world.back_up(id).await?;
    anyhow::ensure!(backup["manifest"]["tables"]["shop.a"] == 2, "{mode}: {backup}");
    execute(source, &["DELETE FROM shop.a LIMIT 1", "INSERT INTO shop.a SELECT MAX(id) + 1 FROM shop.a"]).await?;
    let mut connection = source.connect().await?;
    let gtid: Option<String> = connection.query_first("SELECT @@GLOBAL.gtid_binlog_pos").await?;
    connection.disconnect().await?;
    // Refused as not archived for as long as the agent has not got there.
    let path = world.start_pitr(id, &json!({ "target_gtid": gtid })).await?;
    world.api.follow(&path, |_| ()).await?;
    Ok(())
}

async fn every_link_is_under_tls(mydumper: &Path) -> anyhow::Result<()> {
    let environment = vec![("BACKTRAIL_MYDUMPER", mydumper.to_string_lossy().into_owned())];
    let mut world = World::start(WorldOptions { environment, ..WorldOptions::default() }).await?;
    let (authority, stranger) = (Authority::new()?, Authority::new()?);
    let options = authority.certify("127.0.0.1", &world.path("certificates"))?;
    let source = world.mariadb_with(options).await?;
    account(&source).await?;
    let ca = authority.pem();
    for (mode, ca) in
        [("required", None), ("verify_ca", Some(&*ca)), ("verify_identity", Some(&*ca)), ("preferred", None)]
    {
        works(&world, &source, mode, ca).await?;
    }

    let plain = register(&world, "plain", &source, "disabled", None).await?;
    anyhow::ensure!(plain["preflight"]["reachable"] == false, "{plain}");
    let distrusted = register(&world, "distrusted", &source, "verify_ca", Some(&stranger.pem())).await?;
    anyhow::ensure!(distrusted["preflight"]["reachable"] == false, "{distrusted}");

    // The authority is the right one, the name is not.
    let options = authority.certify("db.example", &world.path("other-certificates"))?;
    let elsewhere = world.mariadb_with(options).await?;
    account(&elsewhere).await?;
    works(&world, &elsewhere, "verify_ca", Some(&ca)).await?;
    let other = register(&world, "elsewhere", &elsewhere, "verify_identity", Some(&ca)).await?;
    anyhow::ensure!(other["preflight"]["reachable"] == false, "{other}");
    for (server, host, mode, well) in [
        (&source, "localhost", TlsMode::VerifyCa, true),
        (&source, "127.0.0.1", TlsMode::VerifyIdentity, true),
        (&elsewhere, "127.0.0.1", TlsMode::VerifyCa, true),
        (&elsewhere, "127.0.0.1", TlsMode::VerifyIdentity, false),
    ] {
        let (ended_well, output) = dump_alone(&world, mydumper, server, host, mode, &ca).await?;
        anyhow::ensure!(ended_well == well, "{host} {mode:?}: {output}");
        anyhow::ensure!(well || output.to_ascii_lowercase().contains("certificate"), "{output}");
    }
    Ok(())
}

/// mydumper as the worker drives it, without the worker, whose own connection would be refused before; says whether it
/// ended well, and what it printed.
async fn dump_alone(
    world: &World,
    mydumper: &Path,
    source: &DatabaseAddress,
    host: &str,
    mode: TlsMode,
    ca: &str,
) -> anyhow::Result<(bool, String)> {
    let mut endpoint = SourceEndpoint::new("127.0.0.1", source.port, "secured", "hunter2".into());
    endpoint.ca_pem = Some(ca.to_owned());
    endpoint.tls = TlsMode::VerifyCa;
    let mut connection = endpoint.connect().await?;
    let facts = connection.facts().await?;
    connection.close().await;
    (endpoint.host, endpoint.tls) = (host.to_owned(), mode);
    let directory = world.path(&format!("dump-{}-{host}-{mode:?}", source.port));
    let private = PrivateDirectory::create(&directory, &endpoint, &facts, 20)?;
    let tool = Mydumper::probe(mydumper).await?;
    let plan = plan_arguments(&DumpRequest {
        version: tool.version,
        facts: &facts,
        endpoint: &endpoint,
        all_transactional: true,
        may_lock_ddl: true,
        defaults_file: &private.defaults_file,
        ca_file: private.ca_file.as_deref(),
        output: &directory.join("dump"),
        threads: 2,
        chunk_mebibytes: 64,
        long_query_seconds: 60,
        more: &[],
    });
    let mut process = DumpProcess::start(&tool.program, &plan.arguments, private.path(), endpoint.password.clone())?;
    let status = process.wait().await.context("its end was not seen")?;
    Ok((status.success(), process.output()))
}

#[tokio::test]
async fn every_link_to_a_source_is_under_tls() {
    every_link_is_under_tls(Path::new("mydumper")).await.unwrap();
}

#[tokio::test]
async fn every_link_to_a_source_is_under_tls_with_a_newer_mydumper() {
    let Some(mydumper) = newer_mydumper().await else { return };
    every_link_is_under_tls(&mydumper).await.unwrap();
}
