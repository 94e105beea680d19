//! Following a run to its end.

use std::time::{Duration, Instant};

use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::api::{Api, Away};
use crate::output;

const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// How long the gateway may be away: it is restarted, or moves to another machine. The run goes on without it.
const PATIENCE: Duration = Duration::from_secs(120);

/// Asks for a run, again and again while the gateway is away.
async fn look(api: &Api, path: &str, bar: &ProgressBar) -> anyhow::Result<Value> {
    let since = Instant::now();
    loop {
        match api.get(path, &[]).await {
            Err(error) if error.is::<Away>() && since.elapsed() < PATIENCE => {
                bar.set_message("no gateway");
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
            answer => return answer,
        }
    }
}

/// Shows a run until it ends, then prints it. A run that failed is an error that carries the run's own words.
pub(crate) async fn follow(api: &Api, path: &str, json: bool) -> anyhow::Result<()> {
    let bar = if json { ProgressBar::hidden() } else { ProgressBar::new(0) };
    bar.set_style(ProgressStyle::with_template("{spinner} {msg:14} {wide_bar} {bytes}/{total_bytes} {elapsed}")?);
    bar.enable_steady_tick(Duration::from_millis(120));
    let run = loop {
        let run = look(api, path, &bar).await?;
        if run["status"] != "running" {
            break run;
        }
        bar.set_message(run["phase"].as_str().unwrap_or_default().to_owned());
        let progress = |name: &str| run["progress"][name].as_u64();
        if let (Some(done), Some(expected)) = (progress("bytes_done"), progress("bytes_expected")) {
            bar.set_length(expected.max(done));
            bar.set_position(done);
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    };
    bar.finish_and_clear();
    let mut shown = without_details(run.clone(), json);
    if let (true, false, Some(fields)) = (run["status"] == "completed", json, shown.as_object_mut()) {
        // Of a run that went well nobody wants to read what the tool had to say.
        fields.remove("tool_log");
    }
    output::print_object(&shown, json);
    if run["status"] != "completed" {
        bail!(
            "the run {}: {}",
            run["phase"].as_str().unwrap_or("failed"),
            run["error_message"].as_str().unwrap_or("no reason given")
        );
    }
    Ok(())
}

/// A run without its long parts, which only programs read.
pub(crate) fn without_details(mut run: Value, json: bool) -> Value {
    if let (false, Some(fields)) = (json, run.as_object_mut()) {
        for long in ["manifest", "progress", "plan", "report"] {
            fields.remove(long);
        }
    }
    run
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A gateway that gives one answer to each connection, in order; an empty one is a connection that breaks.
    async fn gateway(answers: &'static [&'static str]) -> Api {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/api/v1/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Api::at(base.parse().unwrap())
    }

    #[tokio::test]
    async fn waits_while_the_gateway_is_restarted() {
        const GONE: &str = "";
        const STARTING: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        const DONE: &str =
            "HTTP/1.1 200 OK\r\nContent-Length: 22\r\nConnection: close\r\n\r\n{\"status\":\"completed\"}";
        let api = gateway(&[GONE, STARTING, DONE]).await;
        follow(&api, "run", true).await.unwrap();
    }

    #[tokio::test]
    async fn an_answer_that_will_not_change_ends_it() {
        const UNKNOWN: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let api = gateway(&[UNKNOWN]).await;
        assert!(follow(&api, "run", true).await.unwrap_err().to_string().contains("404"));
    }
}
