//! Answers for people: tables of the columns that matter. Programs ask for `--json` and get the API's own answer.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

/// A column: its heading, and the field it shows.
pub(crate) type Column = (&'static str, &'static str);

/// Prints rows, or the JSON they came from.
pub(crate) fn print_list(rows: &Value, columns: &[Column], json: bool) {
    if json {
        return print_json(rows);
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|(heading, _)| *heading));
    for row in rows.as_array().into_iter().flatten() {
        table.add_row(columns.iter().map(|(_, field)| show(field, &row[*field])));
    }
    println!("{table}");
}

/// Prints one object as two columns, leaving out what is empty.
pub(crate) fn print_object(object: &Value, json: bool) {
    if json {
        return print_json(object);
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    for (field, value) in object.as_object().into_iter().flatten() {
        let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if !empty {
            table.add_row([field.clone(), show(field, value)]);
        }
    }
    println!("{table}");
}

pub(crate) fn print_json(value: &Value) {
    println!("{value:#}");
}

fn show(field: &str, value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_u64() {
            Some(bytes) if field.ends_with("bytes") || field == "size" => size(bytes),
            Some(milliseconds) if field == "duration_ms" => duration(milliseconds),
            _ => number.to_string(),
        },
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
        }
        other => format!("{other:#}"),
    }
}

/// Bytes as people read them: `26.0 MB`.
pub(crate) fn size(bytes: u64) -> String {
    indicatif::DecimalBytes(bytes).to_string()
}

/// Milliseconds as people read them: `4.5 s`.
pub(crate) fn duration(milliseconds: u64) -> String {
    if milliseconds < 60_000 {
        format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
    } else {
        format!("{} min {} s", milliseconds / 60_000, milliseconds / 1000 % 60)
    }
}
