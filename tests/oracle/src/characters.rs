//! What a client sends: statements in the character set that it has named.

use encoding_rs::Encoding;

/// A client's character set, other than UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Characters {
    Library(&'static Encoding),
    /// Of which the engine knows no letters.
    Cp850,
}

const CP850: [(char, u8); 4] = [('é', 0x82), ('ü', 0x81), ('ö', 0x94), ('ä', 0x84)];

impl Characters {
    /// What a `SET NAMES` says: None for another statement, `Some(None)` for UTF-8. Behind a plain `latin1` statements go on as
    /// they are, which is what a client does that is not told; with a collation they are sent in it.
    pub(crate) fn set_by(statement: &str) -> Option<Option<Self>> {
        let words: Vec<&str> = statement.split_whitespace().collect();
        let ["SET", "NAMES", name, ..] = words.as_slice() else { return None };
        Some(Some(match *name {
            "latin1" if words.len() > 3 => Self::Library(encoding_rs::WINDOWS_1252),
            "latin2" => Self::Library(encoding_rs::ISO_8859_2),
            "cp1251" => Self::Library(encoding_rs::WINDOWS_1251),
            "koi8r" => Self::Library(encoding_rs::KOI8_R),
            "sjis" => Self::Library(encoding_rs::SHIFT_JIS),
            "ujis" => Self::Library(encoding_rs::EUC_JP),
            "gbk" => Self::Library(encoding_rs::GBK),
            "cp850" => Self::Cp850,
            _ => return Some(None),
        }))
    }

    /// A statement as it is sent.
    pub(crate) fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Library(encoding) => encoding.encode(text).0.into_owned(),
            Self::Cp850 => text
                .chars()
                .map(|own| {
                    let known = CP850.iter().find(|(letter, _)| *letter == own).map(|(_, byte)| *byte);
                    known.unwrap_or_else(|| u8::try_from(own).ok().filter(u8::is_ascii).unwrap_or(b'?'))
                })
                .collect(),
        }
    }
}
