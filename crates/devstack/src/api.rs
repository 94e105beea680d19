//! A client of the REST API for the demo and the tests: what a user would type into curl.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use reqwest::Method;
use serde_json::Value;

/// How long a run may take before the demo gives up on it.
const RUN_DEADLINE: Duration = Duration::from_secs(180);

/// The gateway, with an API key.
#[derive(Debug, Clone)]
pub struct Api {
    client: reqwest::Client,
    base: String,
    key: String,
}

impl Api {
    /// A client of the gateway at this URL.
    pub fn new(gateway: &str, key: &str) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build()?;
        Ok(Self { client, base: format!("{gateway}/api/v1"), key: key.to_owned() })
    }

    /// Gets `path`, below `/api/v1`. A refusal is an error with its status and problem.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(Method::GET, path, None)
            .await?
            .map_err(|(status, answer)| anyhow::anyhow!("GET {path}: {status} {answer}"))
    }

    /// Posts a body. A refusal is an error.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.try_post(path, body).await?.map_err(|(status, answer)| anyhow::anyhow!("POST {path}: {status} {answer}"))
    }

    /// As [`post`](Self::post), with a refusal as a value.
    pub async fn try_post(&self, path: &str, body: &Value) -> anyhow::Result<Result<Value, (u16, Value)>> {
        self.send(Method::POST, path, Some(body)).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Result<Value, (u16, Value)>> {
        let mut request = self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.context("the gateway does not answer")?;
        let status = response.status();
        let answer = response.json().await.unwrap_or(Value::Null);
        Ok(if status.is_success() { Ok(answer) } else { Err((status.as_u16(), answer)) })
    }

    /// Follows a run to its end, telling each phase as it comes. Fails unless it completed.
    pub async fn follow(&self, path: &str, mut tell: impl FnMut(&str)) -> anyhow::Result<Value> {
        let began = Instant::now();
        let mut phases: Vec<String> = Vec::new();
        loop {
            let run = self.get(path).await?;
            let phase = run["phase"].as_str().unwrap_or_default();
            if phases.last().is_none_or(|last| last != phase) {
                tell(phase);
                phases.push(phase.to_owned());
            }
            match run["status"].as_str() {
                Some("completed") => return Ok(run),
                Some("running") if began.elapsed() < RUN_DEADLINE => {}
                Some("running") => bail!("the run is still {phase} after {} s", RUN_DEADLINE.as_secs()),
                _ => bail!("the run failed: {}", run["error_message"].as_str().unwrap_or("no reason given")),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Fetches every file that `path` lists, by their presigned URLs, into a directory; answers how many and their bytes.
    pub async fn fetch_files(&self, path: &str, to: &Path) -> anyhow::Result<(usize, u64)> {
        std::fs::create_dir_all(to)?;
        let files = self.get(path).await?;
        let files = files.as_array().context("the list of files is no array")?;
        let mut bytes = 0;
        for file in files {
            let text = |field: &str| file[field].as_str().with_context(|| format!("a file without `{field}`: {file}"));
            let name = Path::new(text("name")?).file_name().context("a file without a name")?;
            let size = self.download(text("url")?, &to.join(name)).await?;
            if Some(size) != file["size"].as_u64() {
                bail!("{} has {size} bytes instead of {}", name.display(), file["size"]);
            }
            bytes += size;
        }
        Ok((files.len(), bytes))
    }

    /// Fetches an object by its presigned URL.
    async fn download(&self, url: &str, to: &Path) -> anyhow::Result<u64> {
        let mut response = self.client.get(url).send().await?.error_for_status()?;
        let mut file = tokio::fs::File::create(to).await?;
        let mut size = 0;
        while let Some(chunk) = response.chunk().await? {
            size += chunk.len() as u64;
            tokio::io::AsyncWriteExt::write_all(&mut file, &chunk).await?;
        }
        tokio::io::AsyncWriteExt::flush(&mut file).await?;
        Ok(size)
    }
}
