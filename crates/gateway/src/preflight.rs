//! Asking a source server what backups and recovery can expect of it.

use std::str::FromStr;
use std::time::Duration;

use backtrail_service::telemetry::chain;
use backtrail_source::{PreflightReport, SourceEndpoint, TlsMode, preflight};
use backtrail_store::{FirstLook, FirstPlace, NewServer, Server};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::app::State;
use crate::problem::Problem;

/// How long connecting may take. Below the request's own deadline, so that an unreachable server is an answer.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// How long the whole preflight may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// Runs the preflight, stores its report, and gives the server with it. That the server cannot be reached is a report,
/// not an error.
pub(crate) async fn check(state: &State, server: Server) -> Result<Server, Problem> {
    let password = state.sealing.unseal(&server)?;
    let endpoint = endpoint(&server.host, server.port, &server.username, password, &server.tls_mode, &server.tls_ca)?;
    let FirstLook { report, place } = look(&endpoint).await?;
    tracing::info!(server = %server.id, reachable = report["reachable"].as_bool(), "preflight done");
    if let Some(place) = place {
        place.keep(&state.store, server.id).await?;
    }
    Server::set_preflight(&state.store, server.id, &report).await?;
    let stored = Server::find(&state.store, server.tenant_id, server.id).await?;
    stored.ok_or_else(|| Problem::not_found("server"))
}

/// What the preflight says of a server that is to be registered.
pub(crate) async fn first_look(new: &NewServer) -> Result<FirstLook, Problem> {
    let password = new.password.clone();
    look(&endpoint(&new.host, new.port, &new.username, password, &new.tls_mode, &new.tls_ca)?).await
}

fn endpoint(
    host: &str,
    port: u16,
    username: &str,
    password: Option<SecretString>,
    tls_mode: &str,
    tls_ca: &Option<String>,
) -> Result<SourceEndpoint, Problem> {
    Ok(SourceEndpoint {
        tls: TlsMode::from_str(tls_mode).map_err(Problem::internal)?,
        ca_pem: tls_ca.clone(),
        connect_deadline: CONNECT_DEADLINE,
        ..SourceEndpoint::new(host, port, username, password.unwrap_or_default())
    })
}

/// The report, and where the server's log stood.
async fn look(endpoint: &SourceEndpoint) -> Result<FirstLook, Problem> {
    let (report, place) = match tokio::time::timeout(DEADLINE, preflight(endpoint)).await {
        Ok(report) => (serde_json::to_value(&report).map_err(Problem::internal)?, first_place(report)),
        Err(_) => {
            let error = format!("{} gave no complete answer within {DEADLINE:?}", endpoint.name());
            (unreachable_report(&error), None)
        }
    };
    Ok(FirstLook { report, place })
}

fn first_place(report: PreflightReport) -> Option<FirstPlace> {
    Some(FirstPlace { identity: report.identity?, position: report.binlog_position?, seen_at: report.source_time? })
}

/// What a report looks like when there is nothing to report but that.
fn unreachable_report(error: &str) -> Value {
    json!({ "reachable": false, "error": error })
}

/// Whether a text holds PEM certificates that can be read.
pub(crate) fn check_certificates(pem: &str) -> Result<(), String> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    let bad = "is no PEM text of certificates";
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| bad.to_owned())?;
        rustls::RootCertStore::empty().add(certificate).map_err(|error| format!("{bad}: {}", chain(&error)))?;
        count += 1;
    }
    if count == 0 { Err(bad.to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates() {
        for text in [
            "nonsense",
            "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            assert!(check_certificates(text).is_err(), "{text}");
        }
    }
}
