//! Keys and constraints behind a statement: what is dropped goes, what stays follows its columns, what is new is named as
//! the server names it.

use std::collections::HashSet;

use super::Unfaithful;
use super::clause::Action;
use super::columns::Layout;
use crate::charset::character_bytes;
use crate::create_table::{
    DraftKey, KeyKind, Listed, Names, add_check, add_foreign_key, add_key, needless, takes_prefix,
};
use crate::shape::{Column, ForeignKey, Key, KeyPart, same_column_name};
use crate::{ColumnType, Ddl, Flavour, TableShape};

fn same(a: &str, b: &str) -> bool {
    same_column_name(a, b)
}

/// Gives `next`, whose columns are complete, its keys.
pub(super) fn rebuild(
    next: &mut TableShape,
    old: &TableShape,
    layout: &Layout,
    actions: Vec<Action>,
    ddl: &Ddl,
    flavour: Flavour,
    refusals: &mut Vec<Unfaithful>,
) -> Result<(), Unfaithful> {
    let mut added = Vec::new();
    let mut added_foreign = Vec::new();
    let mut added_checks = Vec::new();
    let mut renames = Vec::new();
    let mut drops = Drops::default();
    for action in actions {
        match action {
            Action::AddKey(draft) => added.push(draft),
            Action::AddForeignKey(draft) => added_foreign.push(draft),
            Action::AddCheck(draft) => added_checks.push(draft),
            Action::RenameIndex { from, to } => renames.push((from, to)),
            Action::DropPrimary => drops.primary = true,
            Action::DropIndex { name, conditional } => {
                if !conditional && !index_names(old).any(|other| same(other, &name)) {
                    // An index that is not known of is no unique key: nothing that matters is lost.
                    continue;
                }
                drops.indexes.insert(name.to_lowercase());
            }
            Action::DropForeignKey { name } => {
                drops.foreign_keys.insert(name.to_lowercase());
            }
            Action::DropCheck { name } => {
                drops.checks.insert(name.to_lowercase());
            }
            Action::DropConstraint { name } => drops.constraint(old, &name, flavour)?,
            Action::Rows(refusal) => refusals.push(refusal),
            _ => {}
        }
    }

    if flavour == Flavour::Mariadb && !added_checks.is_empty() && drops.foreign_constraint {
        return Err(Unfaithful::new(
            "DROP CONSTRAINT of a foreign key beside ADD CHECK: servers of some versions leave the foreign key there",
        ));
    }

    next.primary_key = match &old.primary_key {
        Some(parts) if !drops.primary => {
            let parts = kept_parts(parts, layout, old, &next.columns);
            (!parts.is_empty()).then_some(parts)
        }
        _ => None,
    };
    let kept = |keys: &[Key]| -> Vec<Key> {
        keys.iter()
            .filter(|key| !drops.indexes.contains(&key.name.to_lowercase()))
            .filter(|key| !(drops.primary && key.name == "PRIMARY"))
            .filter_map(|key| {
                let parts = kept_parts(&key.parts, layout, old, &next.columns);
                let gone = parts.is_empty() && !key.parts.is_empty() && !key.has_expression;
                (!gone).then(|| Key { parts, ..key.clone() })
            })
            .collect()
    };
    let (mut unique_keys, mut indexes) = (kept(&old.unique_keys), kept(&old.indexes));
    let mut renamed: Vec<(usize, &String)> = Vec::new();
    for (from, to) in &renames {
        // By the names before: a swap of two names is one statement.
        if let Some(at) = unique_keys.iter().chain(&indexes).position(|key| same(&key.name, from)) {
            renamed.push((at, to));
        }
    }
    for (at, to) in renamed {
        if let Some(key) = unique_keys.iter_mut().chain(&mut indexes).nth(at) {
            key.name.clone_from(to);
            // It has been asked for by name, and is no longer only the foreign key's.
            key.implied = false;
        }
    }
    next.unique_keys = unique_keys;
    next.indexes = indexes;

    next.foreign_keys = old
        .foreign_keys
        .iter()
        .filter(|key| !drops.foreign_keys.contains(&key.name.to_lowercase()))
        .map(|key| kept_foreign_key(key, old, layout))
        .collect::<Result<_, _>>()?;
    next.checks.retain(|name| !drops.checks.contains(&name.to_lowercase()));

    add(next, old, added, ddl, refusals)?;
    let places = next.column_places();
    let place = |name: &str| places.get(&name.to_lowercase()).copied();
    for draft in added_foreign {
        if draft.conditional && old.foreign_keys.iter().any(|key| same(&key.name, &draft.name)) {
            continue;
        }
        add_foreign_key(next, &place, draft).map_err(|error| Unfaithful::new(error.to_string()))?;
    }
    for draft in added_checks {
        if !(draft.conditional && old.checks.iter().any(|name| same(name, &draft.name))) {
            add_check(next, flavour, draft.name);
        }
    }
    Ok(())
}

fn index_names(shape: &TableShape) -> impl Iterator<Item = &str> {
    shape.unique_keys.iter().chain(&shape.indexes).map(|key| key.name.as_str())
}

/// What goes, by names in lower case.
#[derive(Default)]
struct Drops {
    primary: bool,
    indexes: HashSet<String>,
    foreign_keys: HashSet<String>,
    checks: HashSet<String>,
    /// DROP CONSTRAINT has dropped a foreign key.
    foreign_constraint: bool,
}

impl Drops {
    /// `DROP CONSTRAINT` drops what has the name, of whatever kind; in MariaDB, of two kinds the foreign key. A name that
    /// is not known is a CHECK's.
    fn constraint(&mut self, old: &TableShape, name: &str, flavour: Flavour) -> Result<(), Unfaithful> {
        let found = old.unique_keys.iter().find(|key| same(&key.name, name));
        let key = found.is_some_and(|key| !(flavour == Flavour::Mariadb && is_hashed(key, old)));
        let foreign = old.foreign_keys.iter().any(|key| same(&key.name, name));
        let check = old.checks.iter().any(|other| same(other, name));
        let two = u8::from(key) + u8::from(foreign) + u8::from(check) > 1;
        if two && (check || flavour == Flavour::Mysql) {
            return Err(Unfaithful::new(format!(
                "DROP CONSTRAINT `{name}`: the table has two constraints of the name"
            )));
        }
        self.foreign_constraint |= foreign;
        let set = if foreign {
            &mut self.foreign_keys
        } else if key {
            &mut self.indexes
        } else {
            &mut self.checks
        };
        set.insert(name.to_lowercase());
        Ok(())
    }
}

/// Whether MariaDB keeps a unique key by hashes, which DROP CONSTRAINT does not find: one of more than 3072 bytes.
fn is_hashed(key: &Key, table: &TableShape) -> bool {
    let bytes = |part: &KeyPart| {
        let Some(column) = table.columns.get(part.column) else { return 0 };
        let widest = column.charset.as_deref().and_then(character_bytes).map_or(1, |(widest, _)| u64::from(widest));
        match &column.ty {
            ColumnType::Char { length } | ColumnType::VarChar { length } => {
                u64::from(part.prefix_length.unwrap_or(*length)) * widest
            }
            ColumnType::Binary { length } | ColumnType::VarBinary { length } => {
                u64::from(part.prefix_length.unwrap_or(*length))
            }
            ColumnType::Enum { .. } | ColumnType::Set { .. } => 8,
            ty if takes_prefix(ty, 0) => part.prefix_length.map_or(u64::MAX, |p| u64::from(p) * widest),
            _ => 8,
        }
    };
    key.parts.iter().map(bytes).fold(0, u64::saturating_add) > 3072
}

/// A key's parts without the columns that are gone. A new column with the name of one that is gone takes its place.
fn kept_parts(parts: &[KeyPart], layout: &Layout, old: &TableShape, columns: &[Column]) -> Vec<KeyPart> {
    let namesake = |was: usize| {
        let name = &old.columns.get(was)?.name;
        let mut new = layout.slots.iter().zip(columns).enumerate().filter(|(_, (slot, _))| slot.from.is_none());
        new.find(|(_, (_, column))| same(&column.name, name)).map(|(place, _)| place)
    };
    parts
        .iter()
        .filter_map(|part| {
            let place = layout.places.get(part.column).copied().flatten().or_else(|| namesake(part.column))?;
            let column = columns.get(place)?;
            let prefix_length = part.prefix_length.filter(|length| takes_prefix(&column.ty, *length));
            Some(KeyPart { column: place, prefix_length })
        })
        .collect()
}

fn kept_foreign_key(key: &ForeignKey, old: &TableShape, layout: &Layout) -> Result<ForeignKey, Unfaithful> {
    let gone = || Unfaithful::new(format!("foreign key `{}` loses a column, which servers refuse", key.name));
    let place = |column: &usize| layout.places.get(*column).copied().flatten().ok_or_else(gone);
    let mut key = ForeignKey { columns: key.columns.iter().map(place).collect::<Result<_, _>>()?, ..key.clone() };
    if key.parent == old.name {
        rename_all(&mut key.parent_columns, &layout.renamed);
    }
    Ok(key)
}

/// Gives columns their new names.
pub(crate) fn rename_all(columns: &mut [String], renamed: &[(String, String)]) {
    for column in columns {
        if let Some((_, to)) = renamed.iter().find(|(from, _)| same(from, column)) {
            column.clone_from(to);
        }
    }
}

fn add(
    next: &mut TableShape,
    old: &TableShape,
    mut added: Vec<DraftKey>,
    ddl: &Ddl,
    refusals: &mut Vec<Unfaithful>,
) -> Result<(), Unfaithful> {
    // IF NOT EXISTS asks the table before the statement and the keys that the clauses before add.
    let mut primary = old.primary_key.is_some();
    let mut taken: HashSet<String> = index_names(old).map(str::to_lowercase).collect();
    added.retain(|draft| {
        let there = match (draft.kind, draft.parts.first()) {
            (KeyKind::Primary, _) => std::mem::replace(&mut primary, true),
            // Without a name it is its first column's.
            (_, Some((first, _))) if draft.name.is_empty() => !taken.insert(first.to_lowercase()),
            _ => !taken.insert(draft.name.to_lowercase()),
        };
        !(draft.conditional && there)
    });
    if ddl.ignore && added.iter().any(|draft| matches!(draft.kind, KeyKind::Primary | KeyKind::Unique)) {
        refusals
            .push(Unfaithful::new("IGNORE with a new unique key: rows that are not unique are gone without events"));
    }
    let places = next.column_places();
    let place = |name: &str| places.get(&name.to_lowercase()).copied();
    let there = next.primary_key.iter().map(|parts| Listed::of_parts(parts));
    let there = there.chain(next.unique_keys.iter().chain(&next.indexes).map(Listed::of_key));
    let listed: Vec<Listed> = there.chain(added.iter().map(|draft| Listed::of_draft(draft, &place))).collect();
    let gone = needless(&listed);
    let before = usize::from(next.primary_key.is_some()) + next.unique_keys.len();
    let mut of_indexes = gone.iter().skip(before);
    next.indexes.retain(|_| !of_indexes.next().copied().unwrap_or_default());
    let mut of_added = gone.iter().skip(listed.len() - added.len());
    added.retain(|_| !of_added.next().copied().unwrap_or_default());
    let mut names = Names::of(next);
    for draft in added {
        add_key(next, &mut names, &place, draft).map_err(|error| Unfaithful::new(error.to_string()))?;
    }
    for part in next.primary_key.iter().flatten() {
        if let Some(column) = next.columns.get_mut(part.column) {
            column.nullable = false;
        }
    }
    // The server's order: what names a row comes first.
    let columns = &next.columns;
    let nullable = |key: &Key| {
        key.has_expression || key.parts.iter().any(|part| columns.get(part.column).is_none_or(|column| column.nullable))
    };
    next.unique_keys
        .sort_by_cached_key(|key| (nullable(key), key.parts.iter().any(|part| part.prefix_length.is_some())));
    Ok(())
}
