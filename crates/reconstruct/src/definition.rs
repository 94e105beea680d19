//! What makes a table of the result, in SQL: the baseline's CREATE TABLE (or that of the window) and behind it the very
//! statements that changed it, so that the loading server computes the schema itself.

use backtrail_schema::{
    AlterKind, Ddl, DdlVerb, Flavour, ForeignKey, ReferentialAction, SchemaError, SqlDialect, Statement, TableShape,
    alter_empty, classify, parse_create_table, rename_in_statement, with_table_options, without_column_references,
    without_foreign_keys,
};

use crate::schema_file::{AS_IT_IS, SchemaFile, without_mark};
use crate::session::SessionSettings;

/// A statement of the window.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    pub(crate) text: String,
    pub(crate) ddl: Ddl,
    pub(crate) dialect: SqlDialect,
    pub(crate) session: SessionSettings,
    /// A CREATE TABLE that names no character set: what its schema gave it at that moment, as table options.
    pub(crate) schema_options: Option<String>,
}

/// How a table was made, and what was done to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Definition {
    pub(crate) base: Base,
    pub(crate) steps: Vec<Step>,
    /// Foreign keys do not come along with CREATE TABLE … LIKE: those of the base and of the first so many steps do not
    /// count.
    without_foreign_keys: Option<usize>,
    /// The table was emptied: it counts from the beginning.
    counts_anew: bool,
    /// Its foreign keys, or their parents, got other names, which no statement of its own says.
    pub(crate) foreign_keys_anew: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Base {
    /// The schema file of this table of the baseline, in the server's dialect.
    Baseline(backtrail_domain::TableName, SqlDialect),
    /// A CREATE TABLE of the window.
    Made(Box<Step>),
}

impl Definition {
    pub(crate) fn new(base: Base) -> Self {
        Self { base, steps: Vec::new(), without_foreign_keys: None, counts_anew: false, foreign_keys_anew: false }
    }

    /// That of a table made like this one.
    pub(crate) fn like(&self) -> Self {
        Self { without_foreign_keys: Some(self.steps.len()), counts_anew: true, ..self.clone() }
    }

    /// That of the table when it has been emptied.
    pub(crate) fn emptied(&self) -> Self {
        Self { counts_anew: true, ..self.clone() }
    }

    /// Whether it is the baseline's own file, unchanged.
    pub(crate) fn is_baselines(&self) -> bool {
        matches!(self.base, Base::Baseline(..))
            && self.steps.is_empty()
            && self.without_foreign_keys.is_none()
            && !self.counts_anew
            && !self.foreign_keys_anew
    }

    /// The schema file for a table of this name. `baseline`: the text of the baseline's schema file.
    pub(crate) fn render(
        &self,
        shape: &TableShape,
        baseline: Option<&str>,
        auto_increment: Option<u64>,
    ) -> Result<String, String> {
        let (name, schema) = (shape.name.table.as_str(), shape.name.schema.as_str());
        let mut out = SchemaFile::default();
        let mut in_file = Vec::new();
        let made = match (&self.base, baseline) {
            (Base::Made(step), _) => (**step).clone(),
            (Base::Baseline(_, dialect), Some(text)) => {
                let mut own = steps_of_file(text, schema, dialect)?.into_iter();
                let create = own.next().ok_or("its schema file has no CREATE TABLE")?;
                in_file = own.collect();
                create
            }
            (Base::Baseline(own, _), None) => return Err(format!("the definition of {own} is not at hand")),
        };
        let flavour = made.dialect.flavour;
        let plain = SqlDialect::of_flavour(flavour);
        let parsed = |create: &str| parse_create_table(create, schema, &plain).map_err(|problem| problem.to_string());
        let mut create = rename_in_statement(&made.text, &made.ddl, &made.dialect, name)
            .ok_or("its CREATE TABLE cannot be written for another name")?;
        if made.dialect.ignores_references {
            create = without_column_references(&create, &plain).ok_or("the parts of its definition cannot be told")?;
        }
        // A key that a column brings along has a name of the server's choice, which it chooses otherwise while parents are
        // missing: such keys are written by their names.
        let at_column = |step: &Step| {
            let brings = |text: &str| text.to_ascii_uppercase().contains("REFERENCES");
            step.ddl.clauses.iter().any(|clause| clause.kind != AlterKind::ForeignKey && brings(&clause.text))
        };
        let anew = self.foreign_keys_anew || in_file.iter().chain(&self.steps).any(at_column);
        let without = self.without_foreign_keys.is_some() || anew;
        let mut indexes = Vec::new();
        let mut present = None;
        if without {
            let whole = parsed(&create)?;
            create = without_foreign_keys(&create, &plain).ok_or("the parts of its definition cannot be told")?;
            let bare = parsed(&create)?;
            if !bare.foreign_keys.is_empty() {
                return Err("the foreign keys in its definition cannot be written anew".to_owned());
            }
            indexes = implied_indexes(name, &whole, &bare);
            present = Some(whole);
        }
        if let Some(options) = &made.schema_options {
            // Written by rename_in_statement, it is in the default mode.
            let dialect = SqlDialect::of_flavour(made.dialect.flavour);
            create = with_table_options(&create, &dialect, options).unwrap_or(create);
        }
        made.session.around(&create, flavour, &mut out);
        indexes.into_iter().for_each(|index| out.push(index));
        let of_file = in_file.len();
        for (number, step) in in_file.iter().chain(&self.steps).enumerate() {
            let (mut ddl, mut dialect) = (step.ddl.clone(), step.dialect);
            if anew || self.without_foreign_keys.is_some_and(|copied| number < of_file + copied) {
                ddl.clauses.retain(|clause| clause.kind != AlterKind::ForeignKey);
                dialect.ignores_references = true;
            }
            if let Some(text) = rename_in_statement(&step.text, &ddl, &dialect, name) {
                step.session.around(&text, flavour, &mut out);
            }
            if let Some(before) = present.take() {
                let after = |ddl| alter_empty(&before, ddl, &step.session.context(step.dialect)).ok();
                let whole = after(&step.ddl);
                if (ddl.clauses.len() < step.ddl.clauses.len() || at_column(step))
                    && let Some(whole) = &whole
                {
                    let bare = if ddl.clauses.is_empty() {
                        Some(before.clone())
                    } else {
                        alter_empty(&before, &ddl, &step.session.context(dialect)).ok()
                    };
                    for index in bare.iter().flat_map(|bare| implied_indexes(name, whole, bare)) {
                        out.push(index);
                    }
                }
                present = whole;
            }
        }
        if anew {
            for key in &shape.foreign_keys {
                out.push(foreign_key(name, shape, key, flavour));
            }
        }
        let counter = auto_increment.or(self.counts_anew.then_some(1));
        if let Some(counter) = counter {
            let quoted = name.replace('`', "``");
            out.push(format!("ALTER TABLE `{quoted}` AUTO_INCREMENT={counter}"));
        }
        Ok(out.finish())
    }
}

/// The indexes that foreign keys made, as statements of their own: they stay when the keys are left out, or come later
/// under another name.
fn implied_indexes(name: &str, whole: &TableShape, bare: &TableShape) -> Vec<String> {
    let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
    let implied = whole.indexes.iter().filter(|key| !bare.indexes.iter().any(|other| other.name == key.name));
    implied
        .map(|key| {
            let columns = key.parts.iter().filter_map(|part| whole.columns.get(part.column));
            let columns: Vec<String> = columns.map(|column| quoted(&column.name)).collect();
            format!("ALTER TABLE {} ADD KEY {} ({})", quoted(name), quoted(&key.name), columns.join(", "))
        })
        .collect()
}

/// A foreign key as a statement of its own.
fn foreign_key(name: &str, shape: &TableShape, key: &ForeignKey, flavour: Flavour) -> String {
    let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
    let list = |names: &mut dyn Iterator<Item = &String>| names.map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let columns = key.columns.iter().filter_map(|column| shape.columns.get(*column)).map(|column| &column.name);
    let constraint = if key.name.is_empty() { String::new() } else { format!("CONSTRAINT {} ", quoted(&key.name)) };
    let action = |verb: &str, action: ReferentialAction| match action {
        // MariaDB makes something else of what it takes anyhow, if it is said and the parent is not there yet.
        action if action == ReferentialAction::unsaid(flavour) => String::new(),
        ReferentialAction::Restrict => format!(" ON {verb} RESTRICT"),
        ReferentialAction::NoAction => format!(" ON {verb} NO ACTION"),
        ReferentialAction::Cascade => format!(" ON {verb} CASCADE"),
        ReferentialAction::SetNull => format!(" ON {verb} SET NULL"),
        ReferentialAction::SetDefault => format!(" ON {verb} SET DEFAULT"),
    };
    format!(
        "ALTER TABLE {} ADD {constraint}FOREIGN KEY ({}) REFERENCES {}.{} ({}){}{}",
        quoted(name),
        list(&mut columns.collect::<Vec<_>>().into_iter()),
        quoted(&key.parent.schema),
        quoted(&key.parent.table),
        list(&mut key.parent_columns.iter()),
        action("DELETE", key.on_delete),
        action("UPDATE", key.on_update),
    )
}

/// The statements of a schema file that make the table: CREATE TABLE, and in a result of this program the statements
/// that changed it.
pub(crate) fn steps_of_file(text: &str, schema: &str, dialect: &SqlDialect) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = Vec::new();
    let mut session = SessionSettings::default();
    for statement in statements(text).into_iter().map(without_mark) {
        if session.note(statement) {
            continue;
        }
        let read = classify(statement.as_bytes(), schema, dialect);
        match read {
            Statement::Ddl(ddl) if ddl.concerns_rows() => {
                steps.push(Step { text: statement.to_owned(), ddl, dialect: *dialect, session, schema_options: None });
            }
            Statement::Unknown { beginning, .. } => {
                return Err(format!("its schema file has a statement that is not understood: {beginning}"));
            }
            _ => {}
        }
    }
    let first = steps.first().map(|step| step.ddl.verb);
    if first == Some(DdlVerb::CreateTable) { Ok(steps) } else { Err("its schema file has no CREATE TABLE".to_owned()) }
}

/// The table that a schema file makes.
pub(crate) fn shape_of_file(text: &str, schema: &str, dialect: &SqlDialect) -> Result<TableShape, SchemaError> {
    let whole = parse_create_table(text, schema, dialect);
    let (Err(_), Ok(steps)) = (&whole, steps_of_file(text, schema, dialect)) else { return whole };
    let mut steps = steps.into_iter();
    let Some(create) = steps.next() else { return whole };
    let mut shape = parse_create_table(&create.text, schema, dialect)?;
    for step in steps {
        match alter_empty(&shape, &step.ddl, &step.session.context(*dialect)) {
            Ok(altered) => shape = altered,
            Err(_) => return whole,
        }
    }
    Ok(shape)
}

/// Splits a file at the semicolons that are in no string, name or comment.
pub(crate) fn statements(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut quote, mut escaped) = (0, None, false);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            _ if escaped => escaped = false,
            (Some('\'' | '"'), '\\') => escaped = true,
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quote = Some(character),
            (None, ';') => {
                found.push(text.get(start..at).unwrap_or_default().trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(text.get(start..).unwrap_or_default().trim());
    found.retain(|statement| !statement.is_empty());
    found
}

/// A schema file whose table counts on from `next`.
pub(crate) fn counting(text: &str, name: &str, next: u64) -> String {
    let options = text.rfind("\n)").map(|at| at + 2);
    if let Some((head, tail)) = options.and_then(|at| text.split_at_checked(at)) {
        if let Some(at) = tail.find("AUTO_INCREMENT=") {
            let digits = at + "AUTO_INCREMENT=".len();
            let (before, after) = tail.split_at(digits);
            let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
            return format!("{head}{before}{next}{after}");
        }
        if let Some(at) = tail.find("ENGINE=") {
            let (before, engine) = tail.split_at(at);
            let end = engine.find(|c: char| c.is_ascii_whitespace() || c == ';').unwrap_or(engine.len());
            let (engine, after) = engine.split_at(end);
            return format!("{head}{before}{engine} AUTO_INCREMENT={next}{after}");
        }
    }
    let name = name.replace('`', "``");
    format!("{}\nALTER TABLE `{name}` AUTO_INCREMENT={next}{AS_IT_IS};\n", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_of_ours_is_read_again() {
        let file = "/*!40101 SET NAMES utf8mb4*/;\nCREATE TABLE `t` (\n  `id` int NOT NULL COMMENT 'a;b',\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB;\nALTER TABLE `t` ADD COLUMN `v` int DEFAULT 3;\n";
        let shape = shape_of_file(file, "shop", &SqlDialect::mariadb()).unwrap();
        assert_eq!(shape.columns.len(), 2);
        let timestamp = format!("{file}ALTER TABLE `t` CHANGE `v` `r` TIMESTAMP(1) NOT NULL;\n");
        let shape = shape_of_file(&timestamp, "shop", &SqlDialect::mysql()).unwrap();
        assert_eq!((shape.columns[1].name.as_str(), shape.columns[1].default.as_deref()), ("r", None));
        let counted = counting(file, "t", 9);
        assert!(counted.contains("ENGINE=InnoDB AUTO_INCREMENT=9;\nALTER"), "{counted}");
        assert!(counting(&counted, "t", 12).contains("AUTO_INCREMENT=12;"), "{counted}");
    }

    fn step(text: &str) -> Step {
        let dialect = SqlDialect::mariadb();
        match classify(text.as_bytes(), "shop", &dialect) {
            Statement::Ddl(ddl) => {
                Step { text: text.to_owned(), ddl, dialect, session: SessionSettings::default(), schema_options: None }
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_statements_follow_under_the_last_name() {
        let file = "/*!40101 SET NAMES binary*/;\nCREATE TABLE `old` (\n  `id` int(11) NOT NULL,\n  `p` int(11) DEFAULT NULL,\n  PRIMARY KEY (`id`),\n  KEY `p` (`p`),\n  CONSTRAINT `f` FOREIGN KEY (`p`) REFERENCES `old` (`id`)\n) ENGINE=InnoDB;\n";
        let mut definition = Definition::new(Base::Baseline("shop.old".parse().unwrap(), SqlDialect::mariadb()));
        assert!(definition.is_baselines());
        definition.steps.push(step("alter table shop.old add column x int, rename to old2"));
        definition.steps.push(step("ALTER TABLE old2 RENAME old3"));
        let dialect = SqlDialect::mariadb();
        let named = |name: &str| shape_of_file(&file.replace("`old`", &format!("`{name}`")), "shop", &dialect).unwrap();
        let text = definition.render(&named("new"), Some(file), Some(7)).unwrap();
        assert!(text.contains("CREATE TABLE `new`") && text.contains("FOREIGN KEY (`p`)"), "{text}");
        let end = "ALTER TABLE `new` add column x int /*!40000 */;\nALTER TABLE `new` AUTO_INCREMENT=7 /*!40000 */;\n";
        assert!(text.ends_with(end), "{text}");
        let like = definition.like().render(&named("copy"), Some(file), None).unwrap();
        definition.foreign_keys_anew = true;
        let anew = definition.render(&named("parent"), Some(file), None).unwrap();
        let key =
            "ALTER TABLE `parent` ADD CONSTRAINT `f` FOREIGN KEY (`p`) REFERENCES `shop`.`parent` (`id`) /*!40000 */;";
        assert!(anew.contains(key) && anew.matches("REFERENCES").count() == 1, "{anew}");
        assert!(!like.contains("FOREIGN KEY (") && like.contains("KEY `p` (`p`)\n)"), "{like}");
    }
}
