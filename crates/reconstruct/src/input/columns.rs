//! The columns of the baseline's rows.

use backtrail_schema::{ColumnType, TableShape};

use crate::input::baseline::DataHead;

/// The columns of a data file's rows, in order, as places in the shape.
pub(crate) fn file_columns(shape: &TableShape, listed: Option<&[String]>) -> Result<Vec<usize>, String> {
    match listed {
        Some(names) => names
            .iter()
            .map(|name| {
                shape
                    .column_index(name)
                    .ok_or_else(|| format!("a data file has the column `{name}`, the definition has not"))
            })
            .collect(),
        None if shape.has_generated_columns() => {
            Err("it has generated columns and a data file names no columns: which values they are cannot be told"
                .to_owned())
        }
        None => Ok(shape.positional_columns().collect()),
    }
}

/// What a data file must say, and a table be, for its rows to be merged.
pub(crate) fn mergeable(shape: &TableShape, head: &DataHead, columns: &[usize]) -> Result<(), String> {
    if !head.names_binary {
        return Err(
            "its data files do not begin with SET NAMES binary: the bytes of its texts cannot be told".to_owned()
        );
    }
    if head.no_backslash_escapes {
        return Err("its data files are written for NO_BACKSLASH_ESCAPES".to_owned());
    }
    let has_timestamp = shape.columns.iter().any(|column| matches!(column.ty, ColumnType::Timestamp { .. }));
    if has_timestamp && !head.time_zone_utc {
        return Err("it has TIMESTAMP columns and its data files do not set the time zone to +00:00".to_owned());
    }
    for (index, column) in shape.columns.iter().enumerate() {
        if column.generated.is_none() && !columns.contains(&index) {
            return Err(format!("the dump lacks its column `{}`", column.name));
        }
    }
    Ok(())
}
