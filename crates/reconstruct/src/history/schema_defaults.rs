//! The character sets that schemas give to tables whose definitions name none.

use backtrail_schema::SchemaDefaults;

/// What a schema says; nothing where it is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Defaults {
    charset: Option<String>,
    collation: Option<String>,
}

impl Defaults {
    /// Out of what a CREATE DATABASE or ALTER DATABASE says of character sets, as table options.
    pub(crate) fn of_options(text: &str) -> Self {
        let lower = text.to_lowercase();
        let words: Vec<&str> =
            lower.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).collect();
        let behind = |names: &[&str]| {
            let place = words.windows(names.len()).rposition(|window| window == names)?;
            words.get(place + names.len()).map(|word| (*word).to_owned())
        };
        Self {
            charset: behind(&["character", "set"]).or_else(|| behind(&["charset"])),
            collation: behind(&["collate"]),
        }
    }

    /// For reading a definition.
    pub(crate) fn of_definition(&self) -> SchemaDefaults<'_> {
        SchemaDefaults { charset: self.charset.as_deref(), collation: self.collation.as_deref() }
    }

    pub(crate) fn charset(&self) -> Option<&str> {
        self.charset.as_deref()
    }

    pub(crate) fn collation(&self) -> Option<&str> {
        self.collation.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_statements_say() {
        for (text, charset, collation) in [
            (
                "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop` /*!40100 DEFAULT CHARACTER SET latin1 COLLATE latin1_bin */;",
                Some("latin1"),
                Some("latin1_bin"),
            ),
            ("create schema `charset` charset=utf16", Some("utf16"), None),
            ("ALTER DATABASE shop COLLATE 'utf8mb4_bin'", None, Some("utf8mb4_bin")),
            ("CREATE DATABASE shop", None, None),
        ] {
            let found = Defaults::of_options(text);
            assert_eq!((found.charset(), found.collation()), (charset, collation), "{text}");
        }
    }
}
