//! The columns behind a statement, in the server's way: clauses speak of the columns by the names they had before it; what
//! is changed or dropped is so at its old place; then what moves and what is new goes to its place, clause by clause,
//! where AFTER means the names behind the statement.

use std::collections::{HashMap, HashSet};

use super::clause::{Action, Attribute, Place, is_timestamp};
use super::{DdlContext, Unfaithful};
use crate::charset::character_bytes;
use crate::create_table::{Draft, charset_alias, charset_of_collation, finish_column};
use crate::shape::{Column, same_column_name};
use crate::{ColumnType, Flavour, TableShape};

/// What a column of the new table comes of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    /// Its place before the statement; None for a new column.
    pub(super) from: Option<usize>,
}

/// The outcome besides the columns themselves.
#[derive(Debug)]
pub(super) struct Layout {
    /// One for each column.
    pub(super) slots: Vec<Slot>,
    /// Where each column of the old table is now.
    pub(super) places: Vec<Option<usize>>,
    /// Old and new names of columns whose name changes.
    pub(super) renamed: Vec<(String, String)>,
}

/// A column on its way to its place.
struct Entry {
    column: Column,
    from: Option<usize>,
    /// The clause that defines it, if any.
    clause: Option<usize>,
}

/// What happens to a column that is there.
enum Fate {
    Dropped,
    Changed { clause: usize },
}

/// Gives `next` its columns and its own attributes.
pub(super) fn rebuild(
    next: &mut TableShape,
    old: &TableShape,
    actions: &mut Vec<Action>,
    context: &DdlContext<'_>,
) -> Result<Layout, Unfaithful> {
    let convert = table_defaults(next, actions, context)?;
    let places = old.column_places();
    leave_out_conditional(actions, &places);
    let find = |name: &str| {
        let unknown = || Unfaithful::column(name, "the statement names it, and the table is not known to have it");
        places.get(&name.to_lowercase()).copied().ok_or_else(unknown)
    };

    // What happens to the columns that are there, and where the others go.
    let mut fates: HashMap<usize, Fate> = HashMap::new();
    let mut defined: HashMap<usize, (Column, Place)> = HashMap::new();
    let mut order = Vec::new();
    let mut renamed: HashSet<usize> = HashSet::new();
    let mut columns = old.columns.clone();
    let mut attributes = Vec::new();
    for (number, action) in std::mem::take(actions).into_iter().enumerate() {
        match action {
            Action::AddColumn { draft, place, .. } => {
                defined.insert(number, (finish(draft, next, context)?, place));
                order.push((number, None));
            }
            Action::ChangeColumn { from, draft, place, .. } => {
                let from = find(&from)?;
                let allows_null = columns.get(from).is_none_or(|old| old.nullable);
                if draft.spec.name == "JSON" && !draft.column.nullable && allows_null && !context.is_strict() {
                    let reason = "its NULLs became empty texts, which its own check would not let in";
                    return Err(Unfaithful::column(&draft.column.name, reason));
                }
                fates.insert(from, Fate::Changed { clause: number });
                if !matches!(place, Place::Stays) {
                    order.push((number, Some(from)));
                }
                defined.insert(number, (finish(draft, next, context)?, place));
            }
            Action::DropColumn { name, .. } => {
                fates.insert(find(&name)?, Fate::Dropped);
            }
            Action::RenameColumn { from, to, .. } => {
                let from = find(&from)?;
                match columns.get_mut(from).filter(|_| renamed.insert(from)) {
                    Some(column) => column.name = to,
                    None => return Err(Unfaithful::column(&to, "two clauses rename it")),
                }
            }
            Action::AlterColumn { name, attribute, .. } => attributes.push((name, attribute)),
            other => actions.push(other),
        }
    }

    for (name, attribute) in attributes {
        let column = match find(&name) {
            Ok(place) => match fates.get(&place) {
                Some(Fate::Changed { clause }) => defined.get_mut(clause).map(|(column, _)| column),
                _ => columns.get_mut(place),
            },
            // MariaDB also alters what the statement adds.
            Err(unknown) if context.dialect.flavour == Flavour::Mysql => return Err(unknown),
            Err(unknown) => {
                let new = |(column, _): &&mut (Column, Place)| same_column_name(&column.name, &name);
                Some(&mut defined.values_mut().find(new).ok_or(unknown)?.0)
            }
        };
        if let Some(column) = column {
            match attribute {
                Attribute::Default(value) => column.default = Some(value),
                Attribute::NoDefault => column.default = None,
                Attribute::Invisible(invisible) => column.invisible = invisible,
            }
        }
    }

    let mut entries = Vec::with_capacity(columns.len() + order.len());
    let mut before: Vec<Entry> = Vec::new();
    for (from, column) in columns.into_iter().enumerate() {
        match fates.get(&from) {
            Some(Fate::Dropped) => {}
            Some(Fate::Changed { clause }) => {
                let Some((column, _)) = defined.get(clause) else { continue };
                before.push(Entry { column: column.clone(), from: Some(from), clause: Some(*clause) });
            }
            None => before.push(Entry { column, from: Some(from), clause: None }),
        }
    }
    entries.append(&mut before);
    place_columns(&mut entries, order, &mut defined)?;

    if let Some(convert) = convert {
        for entry in &mut entries {
            // MySQL takes the size of such a TEXT from the column that it was.
            if context.dialect.flavour == Flavour::Mysql
                && entry.from.is_some()
                && entry.clause.is_some()
                && is_long(&entry.column.ty)
            {
                let reason = "one statement makes a TEXT or BLOB of it and converts its character set";
                return Err(Unfaithful::column(&entry.column.name, reason));
            }
            convert_column(&mut entry.column, entry.clause.is_none(), &convert)?;
        }
    }
    if entries.is_empty() {
        return Err(Unfaithful::new("no column would be left"));
    }
    timestamps(&mut entries, context);

    let mut layout = Layout {
        slots: entries.iter().map(|entry| Slot { from: entry.from }).collect(),
        places: vec![None; old.columns.len()],
        renamed: Vec::new(),
    };
    for (place, entry) in entries.iter().enumerate() {
        let Some((from, was)) = entry.from.and_then(|from| Some((from, old.columns.get(from)?))) else { continue };
        if let Some(slot) = layout.places.get_mut(from) {
            *slot = Some(place);
        }
        if was.name != entry.column.name {
            layout.renamed.push((was.name.clone(), entry.column.name.clone()));
        }
    }
    let mut names = HashSet::new();
    if let Some(twice) = entries.iter().find(|entry| !names.insert(entry.column.name.to_lowercase())) {
        return Err(Unfaithful::column(&twice.column.name, "the table would have it twice"));
    }
    next.columns = entries.into_iter().map(|entry| entry.column).collect();
    Ok(layout)
}

/// New and moved columns, in the order of their clauses. New columns that go to the end come first to it, all moves being
/// done on the same list.
fn place_columns(
    entries: &mut Vec<Entry>,
    order: Vec<(usize, Option<usize>)>,
    defined: &mut HashMap<usize, (Column, Place)>,
) -> Result<(), Unfaithful> {
    for (clause, from) in order {
        let Some((column, place)) = defined.remove(&clause) else { continue };
        if from.is_some() {
            entries.retain(|entry| entry.clause != Some(clause));
        }
        let name = column.name.clone();
        let entry = Entry { column, from, clause: Some(clause) };
        match place {
            Place::Stays => entries.push(entry),
            Place::First => entries.insert(0, entry),
            Place::After(after) => {
                let place = entries.iter().position(|entry| same_column_name(&entry.column.name, &after));
                let unknown = || Unfaithful::column(&name, format!("it goes behind `{after}`, which is not there"));
                entries.insert(place.ok_or_else(unknown)? + 1, entry);
            }
        }
    }
    Ok(())
}

/// A character set to which columns are converted.
struct Convert {
    charset: String,
    collation: Option<String>,
}

/// Applies the statement's character set, engine and the like to the table.
fn table_defaults(
    next: &mut TableShape,
    actions: &[Action],
    context: &DdlContext<'_>,
) -> Result<Option<Convert>, Unfaithful> {
    if next.charset.is_none() && next.collation.is_none() {
        next.charset = context.schema_charset.map(charset_alias);
        next.collation = context.schema_collation.map(charset_alias);
        if next.charset.is_none() {
            next.charset = next.collation.as_deref().and_then(charset_of_collation).map(str::to_owned);
        }
    }
    let mut convert: Option<Convert> = None;
    let mut defaults = false;
    for action in actions {
        match action {
            Action::Defaults { charset, collation } => {
                if charset.is_some() && convert.is_some() {
                    return Err(Unfaithful::new("one statement sets the table's character set twice"));
                }
                defaults = true;
                let of_collation = collation.as_deref().and_then(charset_of_collation).map(str::to_owned);
                if let Some(charset) = charset.clone().or(of_collation) {
                    next.charset = Some(charset);
                }
                next.collation.clone_from(collation);
            }
            Action::Convert { charset, collation } => {
                let Some(charset) = charset.clone() else {
                    return Err(Unfaithful::new(
                        "CONVERT TO CHARACTER SET DEFAULT: the schema's character set is not known",
                    ));
                };
                if defaults {
                    return Err(Unfaithful::new("one statement sets the table's character set twice"));
                }
                next.charset = Some(charset.clone());
                next.collation.clone_from(collation);
                convert = Some(Convert { charset, collation: collation.clone() });
            }
            Action::Engine(engine) => next.engine = Some(engine.clone()),
            Action::AutoIncrement(number) => next.auto_increment = Some(*number),
            Action::Partitioned(partitioned) => next.partitioned = *partitioned,
            _ => {}
        }
    }
    Ok(convert)
}

/// Leaves out what `IF EXISTS` and `IF NOT EXISTS` leave out. They ask the table before the statement; an ADD also asks
/// what the clauses before it define.
fn leave_out_conditional(actions: &mut Vec<Action>, places: &HashMap<String, usize>) {
    let mut defined: HashSet<String> = HashSet::new();
    actions.retain(|action| match action {
        Action::AddColumn { draft, conditional, .. } => {
            let name = draft.column.name.to_lowercase();
            !((places.contains_key(&name) || !defined.insert(name)) && *conditional)
        }
        Action::ChangeColumn { draft, .. } => {
            defined.insert(draft.column.name.to_lowercase());
            true
        }
        _ => true,
    });
    actions.retain(|action| match action {
        Action::ChangeColumn { from: name, conditional: true, .. }
        | Action::RenameColumn { from: name, conditional: true, .. }
        | Action::AlterColumn { name, conditional: true, .. }
        | Action::DropColumn { name, conditional: true } => places.contains_key(&name.to_lowercase()),
        _ => true,
    });
}

fn finish(draft: Draft, table: &TableShape, context: &DdlContext<'_>) -> Result<Column, Unfaithful> {
    let says_null = draft.says_null;
    let name = draft.column.name.clone();
    let mut column =
        finish_column(draft, table, context.dialect.flavour).map_err(|error| Unfaithful::column(&name, error))?;
    if is_timestamp(&column.ty) && column.generated.is_none() {
        let bare = column.default.is_none() && column.on_update.is_none();
        match context.explicit_defaults_for_timestamp {
            Some(true) => {}
            Some(false) => {
                column.nullable &= says_null;
                if !column.nullable && column.default.as_deref().is_some_and(|text| text.eq_ignore_ascii_case("NULL")) {
                    column.default = None;
                }
            }
            None if says_null && (column.nullable || !bare) => {}
            None => {
                let reason = "what a TIMESTAMP without NULL, NOT NULL or DEFAULT is depends on \
                              explicit_defaults_for_timestamp, which is not known";
                return Err(Unfaithful::column(&name, reason));
            }
        }
    }
    too_long(&column)?;
    Ok(column)
}

/// Without strict mode, a VARCHAR of more than 65535 bytes becomes a TEXT.
fn too_long(column: &Column) -> Result<(), Unfaithful> {
    let widest = column.charset.as_deref().and_then(character_bytes).map_or(1, |(widest, _)| widest);
    match column.ty {
        ColumnType::VarChar { length } | ColumnType::VarBinary { length }
            if u64::from(length) * u64::from(widest) > 65_535 =>
        {
            Err(Unfaithful::column(&column.name, "it is too long: the server makes another type of it"))
        }
        _ => Ok(()),
    }
}

/// Without `explicit_defaults_for_timestamp` the first TIMESTAMP of a table keeps the time by itself, if the statement
/// defines it.
fn timestamps(entries: &mut [Entry], context: &DdlContext<'_>) {
    if context.explicit_defaults_for_timestamp != Some(false) {
        return;
    }
    let first = entries.iter_mut().find(|entry| is_timestamp(&entry.column.ty));
    if let Some(column) = first.filter(|entry| entry.clause.is_some()).map(|entry| &mut entry.column)
        && !column.nullable
        && column.default.is_none()
        && column.on_update.is_none()
        && column.generated.is_none()
    {
        let fsp = match column.ty {
            ColumnType::Timestamp { fsp } if fsp > 0 => format!("({fsp})"),
            _ => String::new(),
        };
        let now = match context.dialect.flavour {
            Flavour::Mysql => format!("CURRENT_TIMESTAMP{fsp}"),
            Flavour::Mariadb if fsp.is_empty() => "current_timestamp()".to_owned(),
            Flavour::Mariadb => format!("current_timestamp{fsp}"),
        };
        column.default = Some(now.clone());
        column.on_update = Some(now);
    }
}

/// The TEXTs and BLOBs.
fn is_long(ty: &ColumnType) -> bool {
    capacity(ty).is_some()
        || matches!(ty, ColumnType::TinyBlob | ColumnType::Blob | ColumnType::MediumBlob | ColumnType::LongBlob)
}

/// The bytes of a TEXT that may grow.
fn capacity(ty: &ColumnType) -> Option<u64> {
    Some(match ty {
        ColumnType::TinyText => 0xff,
        ColumnType::Text => 0xffff,
        ColumnType::MediumText => 0xff_ffff,
        ColumnType::LongText => 0xffff_ffff,
        _ => return None,
    })
}

/// CONVERT TO CHARACTER SET: every text column goes along. A TEXT grows where it could no longer hold as many characters,
/// unless the same statement defines it.
fn convert_column(column: &mut Column, grows: bool, convert: &Convert) -> Result<(), Unfaithful> {
    if !column.ty.is_text() || column.charset.as_deref() == Some("binary") {
        return Ok(());
    }
    let unknown = || Unfaithful::column(&column.name, "its character set's width is not known");
    let before = column.charset.as_deref().and_then(character_bytes).ok_or_else(unknown)?.0;
    let (behind, narrowest) = character_bytes(&convert.charset).ok_or_else(unknown)?;
    if narrowest > 1 && matches!(column.ty, ColumnType::Enum { .. } | ColumnType::Set { .. }) {
        let reason = format!("servers spoil the members of an ENUM or SET when they convert it to {}", convert.charset);
        return Err(Unfaithful::column(&column.name, reason));
    }
    if convert.charset == "binary" {
        if !grows && capacity(&column.ty).is_some() {
            return Err(Unfaithful::column(&column.name, "one statement defines it as text and makes bytes of it"));
        }
        column.ty = match std::mem::replace(&mut column.ty, ColumnType::Date) {
            ColumnType::Char { length } => ColumnType::Binary { length },
            ColumnType::VarChar { length } => ColumnType::VarBinary { length },
            ColumnType::TinyText => ColumnType::TinyBlob,
            ColumnType::Text => ColumnType::Blob,
            ColumnType::MediumText => ColumnType::MediumBlob,
            ColumnType::LongText => ColumnType::LongBlob,
            other => other,
        };
        if !column.ty.is_text() {
            column.charset = None;
            column.collation = None;
            return Ok(());
        }
    }
    if let Some(bytes) = capacity(&column.ty).filter(|_| grows && behind > before) {
        column.ty = match bytes.div_ceil(u64::from(before)) * u64::from(behind) {
            0..=0xff => ColumnType::TinyText,
            0x100..=0xffff => ColumnType::Text,
            0x1_0000..=0xff_ffff => ColumnType::MediumText,
            _ => ColumnType::LongText,
        };
    }
    column.charset = Some(convert.charset.clone());
    column.collation.clone_from(&convert.collation);
    too_long(column)
}
