//! Views: what they read, and the files that make them.

use std::collections::{BTreeMap, BTreeSet};

use backtrail_domain::TableName;
use backtrail_schema::{ObjectNames, OutputColumn, SqlDialect, Star, ViewQuery, quoted_name, read_object_statement};

use super::characters::{CURRENT_SCHEMA, decode, read_columns};
use super::columns::Columns;
use super::files::{Object, parse};
use super::source::{Around, TRAP};

/// Identifiers are no longer than this.
const LONGEST_NAME: usize = 64;

/// A view at the cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) object: Object,
    pub(crate) query: ViewQuery,
    /// The columns of the tables that it reads, as they were when it was made.
    pub(crate) columns: BTreeMap<TableName, Columns>,
    /// A `*` stays in it.
    pub(crate) keeps_star: bool,
    /// The session's schema, in which its query's names are.
    schema: String,
    dialect: SqlDialect,
}

impl View {
    /// Reads a view of the baseline.
    pub(crate) fn of_file(content: &[u8], name: &TableName, dialect: &SqlDialect) -> Result<Self, String> {
        let parsed = parse(content, &name.schema, dialect)?;
        let mut objects = parsed.objects.into_iter();
        let (Some(object), None) = (objects.next(), objects.next()) else {
            return Err("its file does not hold one view".to_owned());
        };
        Self::new(object, BTreeMap::new(), dialect)
    }

    pub(crate) fn new(
        object: Object,
        columns: BTreeMap<TableName, Columns>,
        dialect: &SqlDialect,
    ) -> Result<Self, String> {
        let step = object.steps.last().ok_or("it has no definition")?;
        let schema = match &step.around {
            Around::Session(session) => session.schema.clone(),
            Around::Baseline { before, .. } => used_schema(before).unwrap_or_else(|| object.name.schema.clone()),
        };
        let query = read_columns(&step.source, step.statement.query_at, &schema, dialect)?;
        let keeps_star = !query.stars.is_empty();
        Ok(Self { object, query, columns, keeps_star, schema, dialect: *dialect })
    }

    pub(crate) fn named(mut self, name: &TableName) -> Self {
        self.object.name = name.clone();
        self
    }

    /// Whether a table is named in it without its schema, by the schema that its session was in.
    fn relies_on_session(&self) -> bool {
        self.schema != self.object.name.schema && !self.schema.is_empty()
    }

    /// The schema in which it has to be made, where that is another than its own.
    pub(crate) fn other_schema(&self) -> Option<&str> {
        self.relies_on_session().then_some(self.schema.as_str())
    }

    /// Puts the columns of the moment in the place of `*`, which is what the server keeps: the result may be the next baseline.
    /// Where they cannot be told, it stays if the tables have the same columns now. `now`: the columns of a table at the
    /// cut; None for what is no table. Err: what stands in the way.
    pub(crate) fn without_stars(&mut self, now: &dyn Fn(&TableName) -> Option<Vec<String>>) -> Result<(), String> {
        let columns = &self.columns;
        let differs = |name: &TableName| {
            let then = columns.get(name).map(Columns::visible);
            then.is_some() && now(name).as_deref() != then
        };
        let mut edits: Vec<(std::ops::Range<usize>, String)> = Vec::new();
        let mut named: Vec<String> = Vec::new();
        for star in &self.query.stars {
            match &star.of {
                Some(of) => match expanded(of, columns) {
                    Ok(with) => {
                        edits.push((star.span.clone(), with));
                        let own = of.iter().filter_map(|(_, table)| columns.get(table)).flat_map(Columns::visible);
                        named.extend(own.cloned());
                    }
                    Err(_) if !of.iter().any(|(_, table)| differs(table)) => {}
                    Err(reason) => return Err(reason),
                },
                None if !self.query.tables.iter().any(differs) => {}
                None => {
                    return Err(
                        "what `*` stands for in it cannot be told, and a table that it reads changed".to_owned()
                    );
                }
            }
        }
        let changed = self.query.tables.iter().any(differs);
        let Some(step) = self.object.steps.last_mut().filter(|_| !edits.is_empty()) else { return Ok(()) };
        self.query.words.extend(named);
        let mut left = self.query.stars.len();
        edits.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        for (span, with) in edits {
            match step.source.in_text(&with) {
                Some(with) => {
                    step.source.text.replace_range(span, &with);
                    left -= 1;
                }
                None if !changed => {}
                None => return Err("its client's character set lacks letters of a column's name".to_owned()),
            }
        }
        self.keeps_star = left > 0;
        if step.source.is_trap() {
            return Err(TRAP.to_owned());
        }
        let read = read_object_statement(&step.source.text, CURRENT_SCHEMA, &self.dialect)?;
        let mut read = read.ok_or("it cannot be read again")?;
        if !decode(&mut read, &step.source, &self.schema) {
            return Err("it cannot be read again".to_owned());
        }
        step.statement = read;
        Ok(())
    }

    /// The names of its columns, as far as they can be told.
    pub(crate) fn column_names(&self, now: &dyn Fn(&TableName) -> Option<Vec<String>>) -> Vec<String> {
        if let Some(listed) = self.object.steps.last().and_then(|step| step.statement.columns.clone()) {
            return listed;
        }
        let mut names: Vec<String> = Vec::new();
        for (number, column) in self.query.columns.iter().enumerate() {
            match column {
                OutputColumn::Named(name) if name.chars().count() > LONGEST_NAME || name.trim() != name => {
                    names.push(format!("Name_exp_{}", number + 1));
                }
                OutputColumn::Named(name) => names.push(name.clone()),
                OutputColumn::Star(star) => {
                    let of = self.query.stars.get(*star).and_then(|Star { of, .. }| of.as_ref());
                    for (_, table) in of.into_iter().flatten() {
                        let then = self.columns.get(table).map(|columns| columns.visible().to_vec());
                        names.extend(then.or_else(|| now(table)).unwrap_or_default());
                    }
                }
            }
        }
        let mut seen = BTreeSet::new();
        names.retain(|name| !name.is_empty() && seen.insert(name.to_lowercase()));
        names
    }

    /// The table that holds its place until all views are made.
    pub(crate) fn placeholder(&self, now: &dyn Fn(&TableName) -> Option<Vec<String>>) -> Vec<u8> {
        let mut names = self.column_names(now);
        if names.is_empty() {
            names.push("unknown".to_owned());
        }
        let columns: Vec<String> = names.iter().map(|name| format!("{} int", quoted_name(name))).collect();
        format!(
            "/*!40101 SET NAMES utf8mb4*/;\nCREATE TABLE IF NOT EXISTS {}(\n{}\n) ENGINE=MEMORY;\n",
            quoted_name(&self.object.name.table),
            columns.join(",\n")
        )
        .into_bytes()
    }

    /// The file that makes it.
    pub(crate) fn file(&self) -> Vec<u8> {
        let name = quoted_name(&self.object.name.table);
        let mut out =
            format!("/*!40101 SET NAMES utf8mb4*/;\nDROP TABLE IF EXISTS {name};\nDROP VIEW IF EXISTS {name};\n")
                .into_bytes();
        let own = self.object.name.schema.as_str();
        let from_baseline = self.object.steps.last().is_some_and(|step| matches!(step.around, Around::Baseline { .. }));
        let other = self.other_schema();
        if let Some(other) = other.filter(|_| !from_baseline) {
            out.extend_from_slice(format!("USE {};\n", quoted_name(other)).as_bytes());
        }
        if let Some(step) = self.object.steps.last() {
            let names =
                ObjectNames { name: &self.object.name.table, schema: other.map(|_| own), ..ObjectNames::default() };
            step.write(names, &mut out);
        }
        if other.is_some() && !from_baseline {
            out.extend_from_slice(format!("USE {};\n", quoted_name(own)).as_bytes());
        }
        out
    }
}

/// The schema of a `USE` in what stands before a statement.
fn used_schema(before: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(before).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("USE `"))?;
    Some(line.strip_suffix("`;")?.replace("``", "`"))
}

fn expanded(of: &[(String, TableName)], columns: &BTreeMap<TableName, Columns>) -> Result<String, String> {
    let mut names = Vec::new();
    for (alias, table) in of {
        let own = columns
            .get(table)
            .ok_or_else(|| format!("what `*` stands for in it cannot be told: the columns of {table} are not known"))?;
        names.extend(own.visible().iter().map(|column| format!("{}.{}", quoted_name(alias), quoted_name(column))));
    }
    Ok(names.join(","))
}
