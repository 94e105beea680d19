//! The REST API as the commands see it: one place for addresses, the key and errors.

use anyhow::{Context, bail};
use backtrail_settings::SecretSetting;
use reqwest::{Method, StatusCode, Url};
use secrecy::ExposeSecret;
use serde_json::Value;

backtrail_settings::secret_names! {
    /// API key
    pub(crate) ApiKey = "BACKTRAIL_API_KEY", file flag "api-key-file";
}

/// Where the gateway is, and how answers are shown.
#[derive(Debug, clap::Args)]
pub(crate) struct ApiSettings {
    /// Base URL of the gateway.
    #[arg(long, env = "BACKTRAIL_URL", default_value = "http://127.0.0.1:8080", global = true)]
    url: Url,
    #[command(flatten)]
    key: SecretSetting<ApiKey>,
    /// Print the API's own JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// The gateway cannot be reached right now, or says that something it needs cannot: trying again may help.
#[derive(Debug)]
pub(crate) struct Away {
    what: String,
    source: Option<reqwest::Error>,
}

impl std::fmt::Display for Away {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Away {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

/// A client with the operator's key.
pub(crate) struct Api {
    client: reqwest::Client,
    base: Url,
    key: secrecy::SecretString,
}

impl ApiSettings {
    pub(crate) fn client(&self) -> anyhow::Result<Api> {
        let client = reqwest::Client::builder()
            .connect_timeout(std::time::Duration::from_secs(10))
            .timeout(std::time::Duration::from_secs(60))
            .build()?;
        let base = self.url.join("api/v1/").context("the gateway's URL cannot be a base")?;
        Ok(Api { client, base, key: self.key.required()? })
    }
}

impl Api {
    #[cfg(test)]
    pub(crate) fn at(base: Url) -> Self {
        Self { client: reqwest::Client::new(), base, key: "bt_live_0".into() }
    }

    pub(crate) async fn get(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Value> {
        self.send(Method::GET, path, query, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        self.send(Method::POST, path, &[], body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.send(Method::PATCH, path, &[], Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<()> {
        self.send(Method::DELETE, path, &[], None).await.map(drop)
    }

    /// The id of a server given by id or by name.
    pub(crate) async fn server_id(&self, server: &str) -> anyhow::Result<String> {
        if uuid::Uuid::parse_str(server).is_ok() {
            return Ok(server.to_owned());
        }
        let servers = self.get("servers", &[]).await?;
        let named = servers.as_array().into_iter().flatten().find(|row| row["name"] == server);
        let id = named.and_then(|row| row["id"].as_str()).map(str::to_owned);
        id.with_context(|| format!("no server is called `{server}`; `backtrail server list` shows them"))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        let url = self.base.join(path)?;
        let mut request = self.client.request(method, url).bearer_auth(self.key.expose_secret()).query(query);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let away = |what: String| move |source| Away { what, source: Some(source) };
        let silent = away(format!("the gateway at {} does not answer", self.base));
        let response = request.send().await.map_err(silent)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(away("the gateway's answer broke off".to_owned()))?;
        if status.is_success() {
            if bytes.is_empty() {
                return Ok(Value::Null);
            }
            return serde_json::from_slice(&bytes).context("the gateway's answer is not JSON");
        }
        let what = explain(status, &bytes);
        if [StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT].contains(&status) {
            bail!(Away { what, source: None });
        }
        bail!(what)
    }
}

/// A problem answer (RFC 9457) in words: what, why, and which fields.
fn explain(status: reqwest::StatusCode, body: &[u8]) -> String {
    let Ok(problem) = serde_json::from_slice::<Value>(body) else {
        return format!("the gateway answered {status}");
    };
    let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    let mut words = match (text("title"), text("detail")) {
        (title, detail) if detail.is_empty() => title,
        (title, detail) => format!("{title}: {detail}"),
    };
    for error in problem["errors"].as_array().into_iter().flatten() {
        let part = |name: &str| error[name].as_str().unwrap_or_default();
        words.push_str(&format!("\n  {}: {}", part("pointer"), part("detail")));
    }
    format!("{words} ({}, {})", status.as_u16(), text("code"))
}
