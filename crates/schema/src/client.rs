//! The character set in which a client sends its statements, as far as names in them have to do with it.

use encoding_rs::Encoding;

use crate::charset::{Charset, transcode};

/// A client's character set, by the number of one of its collations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientCharset(Coding);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Utf8,
    /// `utf8mb3`: without the characters beyond U+FFFF.
    Utf8mb3,
    /// `binary`: bytes that are taken as they are. Its names are in UTF-8.
    Binary,
    Latin1,
    /// Decoded by a library, whose letters are the servers' but for some that are left out here.
    Library(&'static Encoding, Wide),
    /// A byte is a character, and those below 0x80 are ASCII; which ones the others are is not known here.
    Narrow,
    /// `swe7`, in which brackets are letters.
    Swe7,
    /// Nothing is known.
    Unknown,
}

/// How characters of more than a byte are told, and which bytes have other letters on servers than in the library, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wide {
    /// With the bytes of letters that differ.
    Single(&'static [u8]),
    Big5,
    Sjis,
    Cp932,
    Gbk,
    Gb2312,
    Gb18030,
    EucKr,
    Ujis,
    EucJpMs,
}

impl ClientCharset {
    /// UTF-8.
    pub const UTF8: Self = Self(Coding::Utf8);

    /// By the number of one of its collations. Those of MariaDB from 1024 on are the older ones without padding, and from
    /// 2048 on new ones of Unicode, of which only UTF-8 can be a client's.
    pub fn of_collation(collation: u16) -> Self {
        let library = |encoding, wide| Self(Coding::Library(encoding, wide));
        match collation {
            1024..2048 => Self::of_collation(collation - 1024),
            5 | 8 | 15 | 31 | 47 | 48 | 49 | 94 => Self(Coding::Latin1),
            63 => Self(Coding::Binary),
            33 | 76 | 83 | 192..=215 | 223 => Self(Coding::Utf8mb3),
            45 | 46 | 224..=247 | 255..=323 | 576..=578 | 608..=610 | 2048.. => Self::UTF8,
            2 | 9 | 21 | 27 | 77 => library(encoding_rs::ISO_8859_2, Wide::Single(&[])),
            7 | 74 => library(encoding_rs::KOI8_R, Wide::Single(&[])),
            22 | 75 => library(encoding_rs::KOI8_U, Wide::Single(&[0xae, 0xbe])),
            14 | 23 | 50..=52 => library(encoding_rs::WINDOWS_1251, Wide::Single(&[])),
            16 | 71 => library(encoding_rs::ISO_8859_8, Wide::Single(&[])),
            18 | 89 => library(encoding_rs::WINDOWS_874, Wide::Single(&[])),
            20 | 41 | 42 | 79 => library(encoding_rs::ISO_8859_13, Wide::Single(&[])),
            25 | 70 => library(encoding_rs::ISO_8859_7, Wide::Single(&[0xaa])),
            26 | 34 | 44 | 66 | 99 => library(encoding_rs::WINDOWS_1250, Wide::Single(&[])),
            29 | 58 | 59 => library(encoding_rs::WINDOWS_1257, Wide::Single(&[])),
            30 | 78 => library(encoding_rs::WINDOWS_1254, Wide::Single(&[0x83, 0x88, 0x8a, 0x8c, 0x9a, 0x9c, 0x9f])),
            36 | 68 => library(encoding_rs::IBM866, Wide::Single(&[])),
            39 | 53 => library(encoding_rs::MACINTOSH, Wide::Single(&[])),
            57 | 67 => {
                library(encoding_rs::WINDOWS_1256, Wide::Single(&[0x8a, 0x8f, 0x98, 0x9a, 0x9f, 0xaa, 0xc0, 0xff]))
            }
            1 | 84 => library(encoding_rs::BIG5, Wide::Big5),
            13 | 88 => library(encoding_rs::SHIFT_JIS, Wide::Sjis),
            95 | 96 => library(encoding_rs::SHIFT_JIS, Wide::Cp932),
            28 | 87 => library(encoding_rs::GBK, Wide::Gbk),
            24 | 86 => library(encoding_rs::GBK, Wide::Gb2312),
            248..=250 => library(encoding_rs::GB18030, Wide::Gb18030),
            19 | 85 => library(encoding_rs::EUC_KR, Wide::EucKr),
            12 | 91 => library(encoding_rs::EUC_JP, Wide::Ujis),
            97 | 98 => library(encoding_rs::EUC_JP, Wide::EucJpMs),
            // dec8, cp850, hp8, ascii, armscii8, keybcs2, macce, cp852, geostd8
            3 | 4 | 6 | 11 | 32 | 37 | 38 | 40 | 43 | 64 | 65 | 69 | 72 | 73 | 80 | 81 | 92 | 93 => {
                Self(Coding::Narrow)
            }
            10 | 82 => Self(Coding::Swe7),
            _ => Self(Coding::Unknown),
        }
    }

    /// By the name that servers have for it, or the number of one of its collations.
    pub fn of_name(name: &str) -> Self {
        let number = match name {
            "big5" => 1,
            "swe7" => 10,
            "latin2" => 9,
            "dec8" => 3,
            "cp850" => 4,
            "hp8" => 6,
            "koi8r" => 7,
            "latin1" => 8,
            "ascii" => 11,
            "ujis" => 12,
            "sjis" => 13,
            "hebrew" => 16,
            "tis620" => 18,
            "euckr" => 19,
            "koi8u" => 22,
            "gb2312" => 24,
            "greek" => 25,
            "cp1250" => 26,
            "gbk" => 28,
            "latin5" => 30,
            "armscii8" => 32,
            "utf8" | "utf8mb3" => 33,
            "utf8mb4" => 45,
            "binary" => 63,
            "cp866" => 36,
            "keybcs2" => 37,
            "macce" => 38,
            "macroman" => 39,
            "cp852" => 40,
            "latin7" => 41,
            "cp1251" => 51,
            "cp1256" => 57,
            "cp1257" => 59,
            "geostd8" => 92,
            "cp932" => 95,
            "eucjpms" => 97,
            "gb18030" => 248,
            other => other.parse().unwrap_or(u16::MIN),
        };
        Self::of_collation(number)
    }

    /// Its statements are read as UTF-8.
    pub fn is_utf8(self) -> bool {
        matches!(self.0, Coding::Utf8 | Coding::Utf8mb3 | Coding::Binary)
    }

    /// Its texts lack the characters beyond U+FFFF.
    pub fn is_utf8mb3(self) -> bool {
        self.0 == Coding::Utf8mb3
    }

    /// Texts in its statements are bytes, whatever characters they are taken for.
    pub fn is_binary(self) -> bool {
        self.0 == Coding::Binary
    }

    /// ASCII means the same in its statements.
    pub fn has_ascii(self) -> bool {
        self.0 != Coding::Swe7
    }

    /// Its statements are in what servers call latin1.
    pub fn is_latin1(self) -> bool {
        self.0 == Coding::Latin1
    }

    /// Whether quotes and words can be told in its statements.
    pub fn can_be_split(self) -> bool {
        !matches!(self.0, Coding::Swe7 | Coding::Unknown)
    }

    /// How many bytes the character takes that `bytes` begin with, where some of them may look like ASCII; else 1.
    pub fn length(self, bytes: &[u8]) -> usize {
        let Coding::Library(_, wide) = self.0 else { return 1 };
        wide.length(bytes)
    }

    /// A name, or a statement, in a client's bytes as the server has it. None where that is not certain: in character sets that
    /// are not known here, or with characters that are neither ASCII nor letters nor digits.
    pub fn decode(self, bytes: &[u8]) -> Option<String> {
        match self.0 {
            Coding::Utf8 | Coding::Utf8mb3 | Coding::Binary => String::from_utf8(bytes.to_vec()).ok(),
            _ if bytes.is_ascii() && self.has_ascii() => String::from_utf8(bytes.to_vec()).ok(),
            Coding::Latin1 => String::from_utf8(transcode(Charset::Latin1, Charset::Utf8mb4, bytes).ok()?).ok(),
            Coding::Narrow | Coding::Swe7 | Coding::Unknown => None,
            Coding::Library(encoding, wide) => {
                let mut name = String::new();
                let mut rest = bytes;
                while let Some(first) = rest.first() {
                    if first.is_ascii() {
                        name.push(char::from(*first));
                        rest = rest.get(1..)?;
                        continue;
                    }
                    let (character, behind) = rest.split_at_checked(wide.length(rest))?;
                    let text = encoding.decode_without_bom_handling_and_without_replacement(character)?;
                    let mut decoded = text.chars();
                    let (Some(letter), None) = (decoded.next(), decoded.next()) else { return None };
                    if !letter.is_alphanumeric() || letter.is_ascii() || wide.differs(character) {
                        return None;
                    }
                    name.push(letter);
                    rest = behind;
                }
                Some(name)
            }
        }
    }

    /// A text in the character set; None where that is not certain.
    pub fn encode(self, name: &str) -> Option<Vec<u8>> {
        let bytes = match self.0 {
            Coding::Utf8 | Coding::Utf8mb3 | Coding::Binary => name.as_bytes().to_vec(),
            _ if name.is_ascii() && self.has_ascii() => name.as_bytes().to_vec(),
            Coding::Latin1 => transcode(Charset::Utf8mb4, Charset::Latin1, name.as_bytes()).ok()?,
            Coding::Narrow | Coding::Swe7 | Coding::Unknown => return None,
            Coding::Library(encoding, _) => {
                let (bytes, _, unmapped) = encoding.encode(name);
                (!unmapped).then(|| bytes.into_owned())?
            }
        };
        (self.decode(&bytes).as_deref() == Some(name)).then_some(bytes)
    }
}

impl Wide {
    /// As the servers tell characters apart.
    fn length(self, bytes: &[u8]) -> usize {
        let (Some(first), Some(second)) = (bytes.first().copied(), bytes.get(1).copied()) else { return 1 };
        let two = match self {
            Self::Single(_) => false,
            Self::Big5 => matches!(first, 0xa1..=0xf9) && matches!(second, 0x40..=0x7e | 0xa1..=0xfe),
            Self::Sjis | Self::Cp932 => {
                matches!(first, 0x81..=0x9f | 0xe0..=0xfc) && matches!(second, 0x40..=0x7e | 0x80..=0xfc)
            }
            Self::Gbk => matches!(first, 0x81..=0xfe) && matches!(second, 0x40..=0x7e | 0x80..=0xfe),
            Self::Gb18030 => {
                if matches!(first, 0x81..=0xfe) && second.is_ascii_digit() {
                    return 4;
                }
                matches!(first, 0x81..=0xfe) && matches!(second, 0x40..=0x7e | 0x80..=0xfe)
            }
            Self::Gb2312 => matches!(first, 0xa1..=0xf7) && matches!(second, 0xa1..=0xfe),
            Self::EucKr => matches!(first, 0x81..=0xfe) && matches!(second, 0x41..=0x5a | 0x61..=0x7a | 0x81..=0xfe),
            Self::Ujis | Self::EucJpMs => {
                if first == 0x8f {
                    return 3;
                }
                matches!(first, 0x8e | 0xa1..=0xfe)
            }
        };
        1 + usize::from(two)
    }

    /// Servers have another character, or none.
    fn differs(self, character: &[u8]) -> bool {
        let first = character.first().copied().unwrap_or_default();
        match self {
            Self::Single(differ) => differ.contains(&first),
            Self::Big5 => !matches!(first, 0xa4..=0xc5 | 0xc9..=0xf9),
            Self::Sjis => matches!(first, 0x87 | 0xed | 0xee | 0xfa..=0xfc),
            Self::Gbk => matches!(first, 0xa8 | 0xfe),
            Self::Gb2312 => !matches!(first, 0xb0..=0xf7),
            Self::Gb18030 => first == 0xfe || character.len() > 2,
            Self::Ujis => matches!(first, 0xad | 0xf9..=0xfc),
            Self::EucJpMs => matches!(first, 0xf9..=0xfc),
            Self::Cp932 | Self::EucKr => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_clients() {
        let check = |charset: &str, name: &str, bytes: &[u8]| {
            let client = ClientCharset::of_name(charset);
            assert_eq!(client.decode(bytes).as_deref(), Some(name), "{charset}");
            assert_eq!(client.encode(name).as_deref(), Some(bytes), "{charset}");
        };
        check("cp1251", "вид", b"\xe2\xe8\xe4");
        check("koi8r", "вид", b"\xd7\xc9\xc4");
        check("latin1", "té", b"t\xe9");
        check("latin2", "łąka", b"\xb3\xb1ka");
        check("sjis", "ソ1", b"\x83\x5c1");
        check("cp932", "表", b"\x95\x5c");
        check("gbk", "视图", b"\xca\xd3\xcd\xbc");
        check("ujis", "表", b"\xc9\xbd");
        check("utf8mb4", "вид", "вид".as_bytes());
    }

    #[test]
    fn names_that_are_not_certain() {
        let check =
            |charset: &str, bytes: &[u8]| assert_eq!(ClientCharset::of_name(charset).decode(bytes), None, "{charset}");
        // A dash, a letter that the server takes for a line, one that it does not have, half a character.
        check("cp1251", b"a\x97");
        check("koi8u", b"\xae");
        check("cp1256", b"\x8a");
        check("sjis", b"\x83");
        check("cp850", b"\x82");
        check("swe7", b"\x82");
        check("utf8", b"\xe9");
        assert_eq!(ClientCharset::of_name("cp1251").encode("日"), None);
        assert!(!ClientCharset::of_name("utf16").can_be_split());
    }
}
