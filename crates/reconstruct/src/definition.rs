//! What makes a table of the result, in SQL: the baseline's CREATE TABLE (or that of the window) and behind it the very
//! statements that changed it, so that the loading server computes the schema itself.

use backtrail_schema::{
    AlterKind, Ddl, DdlContext, DdlVerb, ForeignKey, ReferentialAction, SchemaError, SqlDialect, Statement, TableShape,
    alter_empty, classify, parse_create_table, rename_in_statement, with_table_options,
};

/// A statement of the window.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    pub(crate) text: String,
    pub(crate) ddl: Ddl,
    pub(crate) dialect: SqlDialect,
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
        let mut out = String::from(PREAMBLE);
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
        let mut create = rename_in_statement(&made.text, &made.ddl, &made.dialect, name)
            .ok_or("its CREATE TABLE cannot be written for another name")?;
        if self.without_foreign_keys.is_some() || self.foreign_keys_anew {
            create = without_foreign_keys(&create);
            let bare = parse_create_table(&create, schema, &SqlDialect::of_flavour(made.dialect.flavour))
                .map_err(|problem| problem.to_string())?;
            if !bare.foreign_keys.is_empty() {
                return Err("the foreign keys in its definition cannot be written anew".to_owned());
            }
        }
        if let Some(options) = &made.schema_options {
            // Written by rename_in_statement, it is in the default mode.
            let dialect = SqlDialect::of_flavour(made.dialect.flavour);
            create = with_table_options(&create, &dialect, options).unwrap_or(create);
        }
        out.push_str(&create);
        out.push_str(";\n");
        let of_file = in_file.len();
        for (number, step) in in_file.iter().chain(&self.steps).enumerate() {
            let mut ddl = step.ddl.clone();
            if self.foreign_keys_anew || self.without_foreign_keys.is_some_and(|copied| number < of_file + copied) {
                ddl.clauses.retain(|clause| clause.kind != AlterKind::ForeignKey);
            }
            if let Some(text) = rename_in_statement(&step.text, &ddl, &step.dialect, name) {
                out.push_str(&text);
                out.push_str(";\n");
            }
        }
        if self.foreign_keys_anew {
            for key in &shape.foreign_keys {
                out.push_str(&foreign_key(name, shape, key));
            }
        }
        let counter = auto_increment.or(self.counts_anew.then_some(1));
        if let Some(counter) = counter {
            let quoted = name.replace('`', "``");
            out.push_str(&format!("ALTER TABLE `{quoted}` AUTO_INCREMENT={counter};\n"));
        }
        Ok(out)
    }
}

/// Statements are written for the default quotes; their text is UTF-8.
const PREAMBLE: &str = "\
/*!40101 SET NAMES utf8mb4*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;
/*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'*/;
/*!40103 SET TIME_ZONE='+00:00' */;
";

/// A foreign key as a statement of its own.
fn foreign_key(name: &str, shape: &TableShape, key: &ForeignKey) -> String {
    let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
    let list = |names: &mut dyn Iterator<Item = &String>| names.map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let columns = key.columns.iter().filter_map(|column| shape.columns.get(*column)).map(|column| &column.name);
    let constraint = if key.name.is_empty() { String::new() } else { format!("CONSTRAINT {} ", quoted(&key.name)) };
    let action = |verb: &str, action: ReferentialAction| match action {
        ReferentialAction::Restrict => String::new(),
        ReferentialAction::Cascade => format!(" ON {verb} CASCADE"),
        ReferentialAction::SetNull => format!(" ON {verb} SET NULL"),
        ReferentialAction::SetDefault => format!(" ON {verb} SET DEFAULT"),
    };
    format!(
        "ALTER TABLE {} ADD {constraint}FOREIGN KEY ({}) REFERENCES {}.{} ({}){}{};\n",
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
    for statement in statements(text) {
        let read = classify(statement.as_bytes(), schema, dialect);
        match read {
            Statement::Ddl(ddl) if ddl.concerns_rows() => {
                steps.push(Step { text: statement.to_owned(), ddl, dialect: *dialect, schema_options: None });
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
    let context = DdlContext::new(*dialect);
    for step in steps {
        match alter_empty(&shape, &step.ddl, &context) {
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
    format!("{}\nALTER TABLE `{name}` AUTO_INCREMENT={next};\n", text.trim_end())
}

/// A definition as `SHOW CREATE TABLE` prints it, one part a line, without its foreign keys.
fn without_foreign_keys(create: &str) -> String {
    let is_foreign_key = |line: &str| {
        let line = line.trim_start();
        line.starts_with("FOREIGN KEY") || (line.starts_with("CONSTRAINT") && line.contains(" FOREIGN KEY "))
    };
    let mut lines: Vec<&str> = create.lines().filter(|line| !is_foreign_key(line)).collect();
    let closing = lines.iter().rposition(|line| line.starts_with(')'));
    if let Some(last) = closing.and_then(|at| at.checked_sub(1)).and_then(|at| lines.get_mut(at))
        && let Some(bare) = last.strip_suffix(',')
    {
        *last = bare;
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_of_ours_is_read_again() {
        let file = "/*!40101 SET NAMES utf8mb4*/;\nCREATE TABLE `t` (\n  `id` int NOT NULL COMMENT 'a;b',\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB;\nALTER TABLE `t` ADD COLUMN `v` int DEFAULT 3;\n";
        let shape = shape_of_file(file, "shop", &SqlDialect::mariadb()).unwrap();
        assert_eq!(shape.columns.len(), 2);
        let counted = counting(file, "t", 9);
        assert!(counted.contains("ENGINE=InnoDB AUTO_INCREMENT=9;\nALTER"), "{counted}");
        assert!(counting(&counted, "t", 12).contains("AUTO_INCREMENT=12;"), "{counted}");
    }

    fn step(text: &str) -> Step {
        let dialect = SqlDialect::mariadb();
        match classify(text.as_bytes(), "shop", &dialect) {
            Statement::Ddl(ddl) => Step { text: text.to_owned(), ddl, dialect, schema_options: None },
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
        assert!(text.ends_with("ALTER TABLE `new` add column x int;\nALTER TABLE `new` AUTO_INCREMENT=7;\n"), "{text}");
        let like = definition.like().render(&named("copy"), Some(file), None).unwrap();
        definition.foreign_keys_anew = true;
        let anew = definition.render(&named("parent"), Some(file), None).unwrap();
        let key = "ALTER TABLE `parent` ADD CONSTRAINT `f` FOREIGN KEY (`p`) REFERENCES `shop`.`parent` (`id`);";
        assert!(anew.contains(key) && anew.matches("REFERENCES").count() == 1, "{anew}");
        assert!(!like.contains("FOREIGN KEY (") && like.contains("KEY `p` (`p`)\n)"), "{like}");
    }
}
