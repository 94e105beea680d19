//! What makes a table of the result, in SQL: the baseline's CREATE TABLE (or that of the window) and behind it the very
//! statements that changed it, so that the loading server computes the schema itself.

mod indexes;

use backtrail_schema::{
    Ddl, DdlVerb, Flavour, ForeignKey, ReferentialAction, SchemaError, SqlDialect, Statement, TableShape, alter_empty,
    classify, has_keyword, parse_create_table, quoted_name, rename_in_statement, with_auto_increment,
    with_table_options, without_column_references, without_foreign_keys,
};

use self::indexes::{Indexes, Rewritten};
use crate::history::schema_file::{AS_IT_IS, SchemaFile, without_mark};
use crate::history::session::SessionSettings;

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
    /// Foreign keys of the result point to it.
    pub(crate) is_parent: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Base {
    /// The schema file of this table of the baseline, in the server's dialect.
    Baseline(backtrail_domain::TableName, SqlDialect),
    /// A CREATE TABLE of the window.
    Made(Box<Step>),
    /// The table was made in the window and came to its end.
    Gone,
}

impl Definition {
    pub(crate) fn new(base: Base) -> Self {
        Self {
            base,
            steps: Vec::new(),
            without_foreign_keys: None,
            counts_anew: false,
            foreign_keys_anew: false,
            is_parent: false,
        }
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
            (Base::Gone, _) => return Err("it is not there any more".to_owned()),
        };
        let flavour = made.dialect.flavour;
        let plain = SqlDialect::of_flavour(flavour);
        let parsed = |create: &str| parse_create_table(create, schema, &plain).map_err(|problem| problem.to_string());
        let checks = |step: &Step| has_keyword(&step.text, &step.dialect, "CHECK");
        let steps = || in_file.iter().chain(&self.steps);
        let aside = self.is_parent && flavour == Flavour::Mysql && steps().next().is_some() && !steps().any(checks);
        let aside = aside.then(|| name_aside(name));
        let working = aside.as_deref().unwrap_or(name);
        let mut create = rename_in_statement(&made.text, &made.ddl, &made.dialect, working)
            .ok_or("its CREATE TABLE cannot be written for another name")?;
        if made.dialect.ignores_references {
            create = without_column_references(&create, &plain).ok_or("the parts of its definition cannot be told")?;
        }
        // Foreign keys come last, when it does not matter any more that their parents are not there yet, or have other
        // columns now than when the statements ran.
        let refers = |step: &Step| has_keyword(&step.text, &step.dialect, "REFERENCES");
        let mut indexes = None;
        if has_keyword(&create, &plain, "REFERENCES") || steps().any(refers) {
            // Under the name that it had: constraints are called after it.
            let present =
                parse_create_table(&made.text, schema, &made.dialect).map_err(|problem| problem.to_string())?;
            let present = Indexes::new(present);
            create = without_foreign_keys(&create, &plain, &present.made())
                .ok_or("the parts of its definition cannot be told")?;
            if !parsed(&create)?.foreign_keys.is_empty() {
                return Err("the foreign keys in its definition cannot be written anew".to_owned());
            }
            indexes = Some(present);
        }
        if let Some(options) = &made.schema_options {
            // Written by rename_in_statement, it is in the default mode.
            let dialect = SqlDialect::of_flavour(made.dialect.flavour);
            create = with_table_options(&create, &dialect, options).unwrap_or(create);
        }
        made.session.around(&create, flavour, &mut out);
        let of_file = in_file.len();
        for (number, step) in in_file.iter().chain(&self.steps).enumerate() {
            if number == of_file && matches!(self.base, Base::Baseline(..)) {
                indexes = indexes.map(Indexes::shown);
            }
            if self.without_foreign_keys.is_some_and(|copied| number == of_file + copied) {
                indexes.iter_mut().for_each(Indexes::copied);
            }
            let Some(indexes) = &mut indexes else {
                if let Some(text) = rename_in_statement(&step.text, &step.ddl, &step.dialect, working) {
                    step.session.around(&text, flavour, &mut out);
                }
                continue;
            };
            let Rewritten { first, ddl, dialect, then } = indexes.follow(step, working)?;
            first.into_iter().for_each(|statement| out.push(statement));
            if let Some(text) = rename_in_statement(&step.text, &ddl, &dialect, working) {
                step.session.around(&text, flavour, &mut out);
            }
            then.into_iter().for_each(|statement| out.push(statement));
        }
        if working != name {
            out.push(format!("ALTER TABLE {} RENAME TO {}", quoted_name(working), quoted_name(name)));
        }
        for key in &shape.foreign_keys {
            out.push(foreign_key(name, shape, key, flavour));
        }
        let counter = auto_increment.or(self.counts_anew.then_some(1));
        if let Some(counter) = counter {
            let quoted = quoted_name(name);
            out.push(format!("ALTER TABLE {quoted} AUTO_INCREMENT={counter}"));
        }
        Ok(out.finish())
    }
}

/// The name under which a table is made that other tables have foreign keys to: MySQL takes no table of a name that lacks
/// the columns which foreign keys to the name want, not for a moment.
fn name_aside(name: &str) -> String {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("backtrail_{hash:016x}")
}

/// A foreign key as a statement of its own.
fn foreign_key(name: &str, shape: &TableShape, key: &ForeignKey, flavour: Flavour) -> String {
    let list =
        |names: &mut dyn Iterator<Item = &String>| names.map(|name| quoted_name(name)).collect::<Vec<_>>().join(", ");
    let columns = key.columns.iter().filter_map(|column| shape.columns.get(*column)).map(|column| &column.name);
    let constraint =
        if key.name.is_empty() { String::new() } else { format!("CONSTRAINT {} ", quoted_name(&key.name)) };
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
        quoted_name(name),
        list(&mut columns.collect::<Vec<_>>().into_iter()),
        quoted_name(&key.parent.schema),
        quoted_name(&key.parent.table),
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
        let dialect = session.dialect(*dialect);
        match classify(statement.as_bytes(), schema, &dialect) {
            Statement::Ddl(ddl) if ddl.concerns_rows() => {
                steps.push(Step {
                    text: statement.to_owned(),
                    ddl,
                    dialect,
                    session: session.clone(),
                    schema_options: None,
                });
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
    Ok(shape_in_file(text, schema, dialect)?.with_implied_indexes())
}

fn shape_in_file(text: &str, schema: &str, dialect: &SqlDialect) -> Result<TableShape, SchemaError> {
    let whole = parse_create_table(text, schema, dialect);
    let (Err(_), Ok(steps)) = (&whole, steps_of_file(text, schema, dialect)) else { return whole };
    let mut steps = steps.into_iter();
    let Some(create) = steps.next() else { return whole };
    let mut shape = parse_create_table(&create.text, schema, &create.dialect)?;
    for step in steps {
        if let Some((_, to)) = step.ddl.renames.first() {
            shape = shape.renamed(to.clone());
        }
        match alter_empty(&shape, &step.ddl, &step.session.context(step.dialect)) {
            Ok(altered) => shape = altered,
            Err(_) => return whole,
        }
    }
    Ok(shape)
}

/// Splits a file at the semicolons that are in no string, name or comment.
pub(crate) fn statements(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(rest) = text.get(at..)
        && let Some(first) = rest.chars().next()
    {
        if first == ';' {
            found.push(text.get(start..at).unwrap_or_default().trim());
            start = at + 1;
        }
        at += match first {
            '\'' | '"' | '`' => quoted_length(rest, first),
            _ => comment_length(rest).unwrap_or(first.len_utf8()),
        };
    }
    found.push(text.get(start..).unwrap_or_default().trim());
    found.retain(|statement| !statement.is_empty());
    found
}

/// How long a quoted text is at whose beginning this is, quotes and all. (Two quotes in it make it two texts, which is as
/// good.)
fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = true;
    let end = text.char_indices().find(|(_, character)| {
        let ends = !escaped && *character == quote;
        escaped = at_escape(escaped, *character, quote);
        ends
    });
    end.map_or(text.len(), |(at, quote)| at + quote.len_utf8())
}

/// Whether the next character is taken as it is.
fn at_escape(escaped: bool, character: char, quote: char) -> bool {
    !escaped && character == '\\' && quote != '`'
}

/// How long the comment is at whose beginning this is; one that a server executes is none.
fn comment_length(text: &str) -> Option<usize> {
    let line = text.starts_with('#')
        || text.strip_prefix("--").is_some_and(|behind| behind.chars().next().is_none_or(char::is_whitespace));
    if line {
        return Some(text.find('\n').map_or(text.len(), |end| end + 1));
    }
    let inner = text.strip_prefix("/*").filter(|inner| !inner.starts_with('!') && !inner.starts_with("M!"))?;
    Some(inner.find("*/").map_or(text.len(), |end| end + 4))
}

/// A schema file whose table counts on from `next`.
pub(crate) fn counting(text: &str, name: &str, next: u64) -> String {
    let counts = format!("ALTER TABLE {} AUTO_INCREMENT=", quoted_name(name));
    let is_table = |statement: &&str| {
        let mut words = statement.split_ascii_whitespace();
        let verb = words.next().unwrap_or_default();
        let of_table = words.next().is_some_and(|word| word.eq_ignore_ascii_case("TABLE"));
        of_table && ["CREATE", "ALTER"].iter().any(|own| verb.eq_ignore_ascii_case(own))
    };
    let own: Vec<&str> = statements(text).into_iter().filter(is_table).collect();
    // Both families show a definition alike, and files are in the default mode.
    let counted = match own.as_slice() {
        [create] => with_auto_increment(create, &SqlDialect::mysql(), next).map(|counted| (*create, counted)),
        // A result of this program: what comes last counts.
        [.., last] if last.starts_with(&counts) => Some((*last, format!("{counts}{next}{AS_IT_IS}"))),
        _ => None,
    };
    let written = counted.and_then(|(statement, counted)| {
        let at = text.rfind(statement)?;
        Some(format!("{}{counted}{}", text.get(..at)?, text.get(at + statement.len()..)?))
    });
    written.unwrap_or_else(|| format!("{}\n{counts}{next}{AS_IT_IS};\n", text.trim_end()))
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
        assert!(counted.ends_with("DEFAULT 3;\nALTER TABLE `t` AUTO_INCREMENT=9 /*!40000 */;\n"), "{counted}");
        let again = counting(&counted, "t", 12);
        assert!(again.contains("AUTO_INCREMENT=12 /*!40000 */;\n") && again.matches("AUTO_INCREMENT").count() == 1);
        let alone = "CREATE TABLE `t` (\n  `a` int COMMENT 'ENGINE=x AUTO_INCREMENT=1'\n) ENGINE=InnoDB COMMENT='\n) AUTO_INCREMENT=7';\n";
        let counted = counting(alone, "t", 9);
        assert!(counted.contains(") ENGINE=InnoDB AUTO_INCREMENT=9 COMMENT='\n) AUTO_INCREMENT=7';"), "{counted}");
        assert!(counting(&counted, "t", 12).contains("AUTO_INCREMENT=12 COMMENT='\n) AUTO_INCREMENT=7';"));
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
        assert!(text.contains("CREATE TABLE `new`") && text.contains("  KEY `p` (`p`)\n)"), "{text}");
        let end = "ALTER TABLE `new` add column x int /*!40000 */;\nALTER TABLE `new` ADD CONSTRAINT `f` FOREIGN KEY (`p`) REFERENCES `shop`.`new` (`id`) /*!40000 */;\nALTER TABLE `new` AUTO_INCREMENT=7 /*!40000 */;\n";
        assert!(text.ends_with(end), "{text}");
        let copy = named("copy").like("shop.copy".parse().unwrap());
        let like = definition.like().render(&copy, Some(file), None).unwrap();
        definition.foreign_keys_anew = true;
        let anew = definition.render(&named("parent"), Some(file), None).unwrap();
        let key =
            "ALTER TABLE `parent` ADD CONSTRAINT `f` FOREIGN KEY (`p`) REFERENCES `shop`.`parent` (`id`) /*!40000 */;";
        assert!(anew.contains(key) && anew.matches("REFERENCES").count() == 1, "{anew}");
        assert!(!like.contains("FOREIGN KEY (") && like.contains("KEY `p` (`p`)\n)"), "{like}");
    }

    #[test]
    fn what_foreign_keys_made_is_written_by_its_name() {
        let text = "CREATE TABLE c (id int PRIMARY KEY, p int, q int, FOREIGN KEY (p) REFERENCES a (id), KEY (q))";
        let mut definition = Definition::new(Base::Made(Box::new(step(text))));
        definition.is_parent = true;
        let mut shape = parse_create_table(text, "shop", &SqlDialect::mariadb()).unwrap();
        for text in [
            "ALTER TABLE c ADD KEY longer (p, q)",
            "ALTER TABLE c ADD CONSTRAINT f FOREIGN KEY (id, q) REFERENCES b (x, y), ADD r int REFERENCES a (id)",
            "ALTER TABLE c DROP CONSTRAINT c_ibfk_1",
        ] {
            let step = step(text);
            shape = alter_empty(&shape, &step.ddl, &step.session.context(step.dialect)).unwrap();
            definition.steps.push(step);
        }
        let expected = "\
CREATE TABLE `c` (id int PRIMARY KEY, p int, q int, KEY `p` (`p`), KEY (q));
ALTER TABLE `c` DROP KEY `p`;
ALTER TABLE `c` ADD KEY longer (p, q);
ALTER TABLE `c` ADD KEY `f` (`id`, `q`), ADD r int;
ALTER TABLE `c` ADD KEY `r` (`r`);
ALTER TABLE `c` ADD CONSTRAINT `f` FOREIGN KEY (`id`, `q`) REFERENCES `shop`.`b` (`x`, `y`);
ALTER TABLE `c` ADD CONSTRAINT `c_ibfk_2` FOREIGN KEY (`r`) REFERENCES `shop`.`a` (`id`);
";
        let written = definition.render(&shape, None, None).unwrap();
        assert!(written.replace(AS_IT_IS, "").ends_with(expected), "{written}");
        // MySQL takes no table that lacks columns which foreign keys to its name want.
        if let Base::Made(made) = &mut definition.base {
            made.dialect = SqlDialect::mysql();
        }
        let written = definition.render(&shape, None, None).unwrap();
        assert_eq!(
            (written.matches("`backtrail_").count(), written.matches("RENAME TO `c`").count()),
            (6, 1),
            "{written}"
        );
    }
}
