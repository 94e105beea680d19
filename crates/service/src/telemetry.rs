//! Log lines.
//!
//! One event is one line on standard output. As JSON a line is flat: `time`, `level`, `service`, `message`, `target`, then
//! the fields of the spans around the event, outermost first, then its own; where a name comes twice the inner one stands.

use std::error::Error;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::Once;

use clap::{Args, ValueEnum};
use serde::ser::SerializeMap;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Span, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt as lines};

/// How the process logs.
#[derive(Debug, Clone, Args)]
pub struct TelemetrySettings {
    /// What is logged: a level, or directives such as `info,backtrail_source=debug`.
    #[arg(long, env = "BACKTRAIL_LOG", default_value = "info", value_parser = parse_filter)]
    log: String,
    /// How a line looks.
    #[arg(long, env = "BACKTRAIL_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    log_format: LogFormat,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line, for programs.
    Json,
    /// Coloured text, for people.
    Pretty,
}

/// Always in force. At its most talkative lapin logs the login, password included; what it and the AWS crates call an error is
/// an error only once our own code has given up, and then our own code says so.
const QUIET: &str = "lapin=off,aws_smithy_runtime=warn,aws_runtime=warn,hyper=info";

fn parse_filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// Starts logging for the process, panics included. The first call counts; later ones change nothing.
pub fn init(service: &'static str, settings: &TelemetrySettings) {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let filter = EnvFilter::new(format!("{},{QUIET}", settings.log));
        let registry = tracing_subscriber::registry().with(filter);
        match settings.log_format {
            LogFormat::Json => registry.with(JsonLines { service, writer: io::stdout }).init(),
            LogFormat::Pretty => {
                registry.with(lines::layer().compact().with_ansi(io::stdout().is_terminal())).init();
            }
        }
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            let message = panic.payload_as_str().unwrap_or("a panic without a text");
            tracing::error!(place, error = message, "panicked; this is a defect of the service");
        }));
    });
}

/// The span of everything done for one run. Its fields stand in every line logged inside; use it with
/// `tracing::Instrument`. Made at the highest level, so that no filter drops the ids.
pub fn run_span(
    kind: &'static str,
    run: impl fmt::Display,
    server: impl fmt::Display,
    tenant: impl fmt::Display,
) -> Span {
    tracing::error_span!("run", kind, run = %run, server = %server, tenant = %tenant)
}

/// The span of everything done for one server, such as archiving its binary log.
pub fn server_span(server: impl fmt::Display, tenant: impl fmt::Display) -> Span {
    tracing::error_span!("server", server = %server, tenant = %tenant)
}

/// An error with its sources, `what: why: why`. Errors do not repeat their sources in their own text, so that each cause
/// stands there once.
pub fn chain<'a>(error: &'a (dyn Error + 'static)) -> Chain<'a> {
    Chain(error)
}

/// See [`chain`].
pub struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

/// Writes flat JSON lines.
struct JsonLines<W> {
    service: &'static str,
    writer: W,
}

/// A span's fields, or an event's, in the order they were given.
#[derive(Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn set(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field.name(), format!("{value:?}").into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field.name(), value.into());
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), value.into());
    }
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.set(field.name(), chain(value).to_string().into());
    }
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            record.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut own = Fields::default();
        event.record(&mut own);
        let mut all = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<Fields>() {
                for (name, value) in &fields.0 {
                    all.set(name, value.clone());
                }
            }
        }
        let mut message = Value::from("");
        for (name, value) in own.0 {
            if name == "message" {
                message = value;
            } else {
                all.set(name, value);
            }
        }
        // A line that cannot be written has nowhere to be reported.
        if let Ok(mut line) = self.line(event, &message, &all) {
            line.push(b'\n');
            let _ = self.writer.make_writer().write_all(&line);
        }
    }
}

impl<W> JsonLines<W> {
    fn line(&self, event: &Event<'_>, message: &Value, fields: &Fields) -> serde_json::Result<Vec<u8>> {
        let mut line = Vec::with_capacity(256);
        let mut serializer = serde_json::Serializer::new(&mut line);
        let mut map = serde::Serializer::serialize_map(&mut serializer, None)?;
        map.serialize_entry("time", &OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default())?;
        map.serialize_entry("level", event.metadata().level().as_str())?;
        map.serialize_entry("service", self.service)?;
        map.serialize_entry("message", message)?;
        map.serialize_entry("target", event.metadata().target())?;
        for (name, value) in &fields.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()?;
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("the segment cannot be read")]
    struct Outer(#[source] io::Error);

    #[test]
    fn spans_fields_stand_in_every_line() {
        let captured = Captured::default();
        let writer = captured.clone();
        let subscriber = tracing_subscriber::registry()
            .with(EnvFilter::new("info"))
            .with(JsonLines { service: "test", writer: move || writer.clone() });
        tracing::subscriber::with_default(subscriber, || {
            let _run = run_span("pitr", "r1", "s1", "t1").entered();
            let _step = tracing::info_span!("merge", table = "shop.orders", rows = tracing::field::Empty).entered();
            tracing::Span::current().record("rows", 7);
            let error = Outer(io::Error::other("broken\npipe"));
            tracing::info!(error = %chain(&error), table = "shop.items", "stopped \"here\"");
            tracing::debug!("not wanted");
        });
        let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        let mut line: Value = serde_json::from_str(&text).unwrap();
        assert!(line.as_object_mut().unwrap().remove("time").is_some());
        assert_eq!(
            line,
            serde_json::json!({
                "level": "INFO", "service": "test", "message": "stopped \"here\"",
                "target": "backtrail_service::telemetry::tests",
                "kind": "pitr", "run": "r1", "server": "s1", "tenant": "t1", "table": "shop.items", "rows": 7,
                "error": "the segment cannot be read: broken\npipe",
            })
        );
    }

    #[test]
    fn a_wrong_filter_is_refused() {
        assert!(parse_filter("info,backtrail_source=debug").is_ok());
        assert!(parse_filter("info,backtrail=loud").is_err());
    }
}
