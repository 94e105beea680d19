//! Names for the files of a result.

use std::collections::BTreeMap;

/// Gives the tables of a result names that every loader takes, and file systems as well.
///
/// The names are mydumper 1.0's: data files always carry a chunk number, and an odd name is replaced by an alias that the
/// metadata explains.
#[derive(Debug, Clone, Default)]
pub struct FileNames {
    aliases: BTreeMap<String, String>,
}

impl FileNames {
    /// The name of a schema or table in file names: the same whenever it is asked for.
    pub fn name(&mut self, name: &str) -> String {
        let plain = !name.is_empty()
            && name.len() <= 96
            && name.trim() == name
            && !name.starts_with('-')
            && !name.starts_with("mydumper_")
            && !name.contains("-schema")
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' '));
        if plain {
            return name.to_owned();
        }
        let next = self.aliases.len();
        self.aliases.entry(name.to_owned()).or_insert_with(|| format!("mydumper_{next}")).clone()
    }
}

/// `schema-schema-create.sql`. The arguments are names in file names here and below.
pub fn schema_create_file(schema: &str) -> String {
    format!("{schema}-schema-create.sql")
}

/// `schema.table-schema.sql`.
pub fn table_schema_file(schema: &str, table: &str) -> String {
    format!("{schema}.{table}-schema.sql")
}

/// `schema.table.00000.sql`.
pub fn table_data_file(schema: &str, table: &str, chunk: u32) -> String {
    format!("{schema}.{table}.{chunk:05}.sql")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_results() {
        let mut names = FileNames::default();
        for plain in ["shop", "odd name-x", "T_1", "00001"] {
            assert_eq!(names.name(plain), plain);
        }
        assert_eq!(names.name("a.b"), "mydumper_0");
        assert_eq!(names.name("x-schema"), "mydumper_1");
        assert_eq!(names.name("a.b"), "mydumper_0");
        for odd in ["", "é", "mydumper_9", "a/b", "..", " a", "a%", "`", "-x"] {
            assert!(names.name(odd).starts_with("mydumper_"), "{odd}");
        }
        assert_eq!(table_data_file("shop", "t", 3), "shop.t.00003.sql");
        assert_eq!(table_schema_file("shop", "t"), "shop.t-schema.sql");
        assert_eq!(schema_create_file("shop"), "shop-schema-create.sql");
    }
}
