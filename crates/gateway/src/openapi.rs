//! The API's own description, made from the code: `/openapi.json` (OpenAPI 3.1) and a readable page, `/docs`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{App, HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi};
use utoipa_actix_web::AppExt;

use crate::problem::{self, Code, FieldError, Problem, ProblemBody};
use crate::routes;

/// Where the contract's paths are mounted.
pub const BASE: &str = "/api/v1";

/// The name of the security scheme.
const SCHEME: &str = "api_key";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Backtrail",
        description = "Backups and point-in-time recovery (PITR) for MySQL and MariaDB.\n\n\
            Every operation needs an API key, sent as `Authorization: Bearer bt_live_…`, with the permission that the \
            operation names. Objects of another tenant are answered as if they did not exist.\n\n\
            Times in requests are RFC 3339 with an offset; answers are in UTC. Error answers are problem documents \
            (RFC 9457): a program looks at `code`. In `errors[].pointer`, `/name` is a field of the body, `?name` a query \
            parameter, `{name}` a part of the path, `Name:` a header.\n\n\
            Lists are bare arrays, newest first; where there is more, the header `Link: <…>; rel=\"next\"` leads to it.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ProblemBody, FieldError)),
    modifiers(&Security),
    tags(
        (name = "Servers", description = "Register the MySQL and MariaDB servers to protect."),
        (name = "Backups", description = "Full backups: on demand, by schedule, and their history."),
        (name = "PITR", description = "Rebuild tables as they stood at an instant."),
        (name = "Keys", description = "API keys of the tenant."),
    )
)]
struct Api;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut Document) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("bt_live_<32 hex digits>")
            .description(Some("An API key. The scopes of an operation are the permissions that the key must have."))
            .build();
        document.components.get_or_insert_default().add_security_scheme(SCHEME, SecurityScheme::Http(scheme));
    }
}

/// The document.
pub fn document() -> Document {
    let (_, document) = App::new()
        .into_utoipa_app()
        .openapi(Api::openapi())
        .service(utoipa_actix_web::scope(BASE).configure(routes::configure))
        .split_for_parts();
    document
}

/// Problem answers of an operation: those of `codes` and those that every operation may give.
pub(crate) fn problem_responses(codes: &[Code]) -> BTreeMap<String, RefOr<Response>> {
    const COMMON: [Code; 5] =
        [Code::Unauthorized, Code::PermissionMissing, Code::RequestTimeout, Code::Internal, Code::Unavailable];
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes.iter().chain(&COMMON) {
        by_status.entry(code.status().as_u16()).or_default().push(*code);
    }
    by_status
        .into_iter()
        .map(|(status, codes)| {
            let description: Vec<_> =
                codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.when())).collect();
            let examples = codes.iter().map(|code| {
                let example = ExampleBuilder::new().summary(code.title()).value(Some(example(*code))).build();
                (code.as_str(), RefOr::T(example))
            });
            let content = ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .examples_from_iter(examples)
                .build();
            let response = ResponseBuilder::new()
                .description(description.join("\n\n"))
                .content(problem::CONTENT_TYPE, content)
                .build();
            (status.to_string(), RefOr::T(response))
        })
        .collect()
}

/// What an answer with this code looks like.
fn example(code: Code) -> Value {
    let problem = Problem::new(code, code.when().trim_end_matches('.').to_owned());
    let problem = match code {
        Code::ValidationFailed => Problem::field("/retention_days", "`400` is not a whole number from 1 to 365"),
        Code::NotYetArchived => problem.with("archived_until", "2026-04-13T14:12:38Z"),
        Code::UnknownTable => problem.with("tables", json!(["mydb.custmers"])).at("/tables"),
        Code::BinlogGap => problem.with(
            "gaps",
            json!([{
                "from": "binlog.000012:4711", "to": "binlog.000014:4",
                "from_time": "2026-04-10T11:02:03Z", "to_time": "2026-04-10T12:00:00Z",
                "cause": "purged by the source",
            }]),
        ),
        _ => problem,
    };
    serde_json::to_value(problem.body(None)).unwrap_or_default()
}

/// Declares the problem answers of operations, for `responses(…)`.
macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = [$($code:ident),* $(,)?];)+) => {$(
        $(#[$doc])*
        pub(crate) enum $name {}

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Response>> {
                crate::openapi::problem_responses(&[$(crate::problem::Code::$code),*])
            }
        }
    )+};
}
pub(crate) use problems;

/// The documents, rendered once.
pub(crate) struct Documents {
    json: String,
    page: String,
    /// Every path, in segments, with its methods.
    paths: Vec<(Vec<String>, Vec<String>)>,
}

impl Documents {
    pub(crate) fn new() -> Self {
        let document = serde_json::to_value(document()).unwrap_or_default();
        let mut paths = Vec::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            let methods =
                item.as_object().into_iter().flatten().map(|(method, _)| method.to_ascii_uppercase()).collect();
            paths.push((path.split('/').map(str::to_owned).collect(), methods));
        }
        Self { json: serde_json::to_string_pretty(&document).unwrap_or_default(), page: page(&document), paths }
    }

    /// The methods of a path; empty for one that does not exist.
    fn methods(&self, path: &str) -> Vec<&str> {
        let segments: Vec<&str> = path.split('/').collect();
        let mut methods: Vec<&str> = Vec::new();
        for (template, of_path) in &self.paths {
            let matches = template.len() == segments.len()
                && template.iter().zip(&segments).all(|(template, segment)| {
                    if template.starts_with('{') { !segment.is_empty() } else { template == segment }
                });
            if matches {
                methods.extend(of_path.iter().map(String::as_str));
            }
        }
        if methods.is_empty() && ["/openapi.json", "/docs", "/healthz", "/readyz"].contains(&path) {
            methods.push("GET");
        }
        methods.sort_unstable();
        methods.dedup();
        methods
    }
}

/// Serves the documents.
pub(crate) fn serve(config: &mut web::ServiceConfig, documents: Arc<Documents>) {
    let page = documents.clone();
    config
        .route(
            "/openapi.json",
            web::get().to(move || {
                let answer = HttpResponse::Ok()
                    .insert_header((CACHE_CONTROL, "no-cache"))
                    .content_type("application/json")
                    .body(documents.json.clone());
                async { answer }
            }),
        )
        .route(
            "/docs",
            web::get().to(move || {
                let answer = HttpResponse::Ok()
                    .insert_header((CACHE_CONTROL, "no-cache"))
                    .insert_header(("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"))
                    .content_type("text/html; charset=utf-8")
                    .body(page.page.clone());
                async { answer }
            }),
        );
}

/// Whatever matches no route: a path that does not exist, or that does not have this method.
pub(crate) async fn unmatched(request: HttpRequest, documents: web::Data<Documents>) -> Result<HttpResponse, Problem> {
    let methods = documents.methods(request.path());
    if methods.is_empty() {
        return Err(Problem::new(Code::NotFound, "there is no such path; `/docs` lists those that exist"));
    }
    let allowed = methods.join(", ");
    let detail = format!("this path does not have {}; it has {allowed}", request.method());
    Err(Problem::new(Code::MethodNotAllowed, detail).allow(allowed))
}

/// A page for people: every operation, its parameters, bodies and answers. It loads nothing from elsewhere.
fn page(document: &Value) -> String {
    let mut html = String::from(include_str!("docs_head.html"));
    let text = |value: &Value| escape(value.as_str().unwrap_or_default()).replace("\n\n", "<br><br>");
    let _ =
        write!(html, "<h1>{}</h1><p>{}</p>", text(&document["info"]["title"]), text(&document["info"]["description"]));
    for tag in document["tags"].as_array().into_iter().flatten() {
        let _ = write!(html, "<h2>{}</h2><p>{}</p>", text(&tag["name"]), text(&tag["description"]));
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                if operation["tags"][0] == tag["name"] {
                    operation_section(&mut html, document, path, method, operation);
                }
            }
        }
    }
    html.push_str("<h2>Problems</h2><p>Every error answer has one of these codes.</p><table><tr><th>Code</th><th>Status</th><th>When</th></tr>");
    for code in Code::ALL {
        let _ = write!(
            html,
            "<tr id=\"problem-{0}\"><td><code>{0}</code></td><td>{1}</td><td>{2}</td></tr>",
            code.as_str(),
            code.status().as_u16(),
            escape(code.when())
        );
    }
    html.push_str("</table></body></html>\n");
    html
}

fn operation_section(html: &mut String, document: &Value, path: &str, method: &str, operation: &Value) {
    let text = |value: &Value| escape(value.as_str().unwrap_or_default());
    let permission = &operation["security"][0][SCHEME][0];
    let _ = write!(
        html,
        "<details><summary><b>{}</b> <code>{}</code> {}</summary><p>{}</p><p>Permission: <code>{}</code></p>",
        method.to_ascii_uppercase(),
        escape(path),
        text(&operation["summary"]),
        text(&operation["description"]).replace('\n', "<br>"),
        text(permission),
    );
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !parameters.is_empty() {
        html.push_str("<table><tr><th>Parameter</th><th>In</th><th>Description</th></tr>");
        for parameter in parameters {
            let _ = write!(
                html,
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                text(&parameter["name"]),
                text(&parameter["in"]),
                text(&parameter["description"])
            );
        }
        html.push_str("</table>");
    }
    if let Some(schema) = operation["requestBody"]["content"]["application/json"].get("schema") {
        let _ = write!(html, "<p>Body</p>{}", schema_table(document, schema));
    }
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let _ = write!(html, "<p><b>{status}</b> {}</p>", text(&response["description"]).replace("\n\n", "<br>"));
        if let Some(schema) = response["content"]["application/json"].get("schema") {
            html.push_str(&schema_table(document, schema));
        }
    }
    html.push_str("</details>");
}

fn schema_table(document: &Value, schema: &Value) -> String {
    let schema = schema.get("items").unwrap_or(schema);
    let name = schema["$ref"].as_str().and_then(|link| link.rsplit('/').next()).unwrap_or_default();
    let resolved = &document["components"]["schemas"][name];
    let mut html = String::from("<table><tr><th>Field</th><th>Description</th></tr>");
    for (field, property) in resolved["properties"].as_object().into_iter().flatten() {
        let description = property["description"].as_str().unwrap_or_default();
        let _ = write!(html, "<tr><td><code>{}</code></td><td>{}</td></tr>", escape(field), escape(description));
    }
    let _ = write!(
        html,
        "</table><pre>{}</pre>",
        escape(&serde_json::to_string_pretty(&resolved["example"]).unwrap_or_default())
    );
    html
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
