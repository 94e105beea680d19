//! Text between the character sets whose mapping is the same everywhere.

use std::fmt;

/// A character set that text can be converted from and to exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Charset {
    /// `ascii`: seven bits.
    Ascii,
    /// `latin1`, which is Windows-1252 with its five undefined bytes standing for the control characters of that number.
    Latin1,
    /// `utf8mb3`, also called `utf8`: up to U+FFFF.
    Utf8mb3,
    /// `utf8mb4`.
    Utf8mb4,
    /// `ucs2`: two bytes a character, big end first, up to U+FFFF.
    Ucs2,
    /// `utf16`, big end first.
    Utf16,
    /// `utf16le`, little end first.
    Utf16le,
    /// `utf32`, big end first.
    Utf32,
}

/// The characters of the bytes 0x80 to 0x9F in `latin1`.
const LATIN1_HIGH: [u16; 32] = [
    0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d, 0x017d,
    0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,
    0x017e, 0x0178,
];

impl Charset {
    /// The character set of a server's name for it; None for one that cannot be converted here.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "ascii" => Self::Ascii,
            "latin1" => Self::Latin1,
            "utf8" | "utf8mb3" => Self::Utf8mb3,
            "utf8mb4" => Self::Utf8mb4,
            "ucs2" => Self::Ucs2,
            "utf16" => Self::Utf16,
            "utf16le" => Self::Utf16le,
            "utf32" => Self::Utf32,
            _ => return None,
        })
    }

    /// The server's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::Latin1 => "latin1",
            Self::Utf8mb3 => "utf8mb3",
            Self::Utf8mb4 => "utf8mb4",
            Self::Ucs2 => "ucs2",
            Self::Utf16 => "utf16",
            Self::Utf16le => "utf16le",
            Self::Utf32 => "utf32",
        }
    }

    /// The first character of `bytes` and how many of them it takes.
    fn decode(self, bytes: &[u8]) -> Option<(char, usize)> {
        let unit = |at: usize| {
            let pair = [*bytes.get(at)?, *bytes.get(at + 1)?];
            Some(u32::from(if self == Self::Utf16le { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }))
        };
        match self {
            Self::Ascii => bytes.first().filter(|byte| byte.is_ascii()).map(|byte| (char::from(*byte), 1)),
            Self::Latin1 => {
                let byte = *bytes.first()?;
                let high = byte.checked_sub(0x80).and_then(|at| LATIN1_HIGH.get(usize::from(at)));
                let code = high.map_or(u32::from(byte), |code| u32::from(*code));
                Some((char::from_u32(code)?, 1))
            }
            Self::Utf8mb3 | Self::Utf8mb4 => {
                let length = match bytes.first()? {
                    0..=0x7f => 1,
                    0xc2..=0xdf => 2,
                    0xe0..=0xef => 3,
                    0xf0..=0xf4 if self == Self::Utf8mb4 => 4,
                    _ => return None,
                };
                let text = std::str::from_utf8(bytes.get(..length)?).ok()?;
                Some((text.chars().next()?, length))
            }
            Self::Ucs2 => Some((char::from_u32(unit(0)?)?, 2)),
            Self::Utf16 | Self::Utf16le => match unit(0)? {
                high @ 0xd800..=0xdbff => {
                    let low = unit(2).filter(|low| (0xdc00..=0xdfff).contains(low))?;
                    Some((char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))?, 4))
                }
                code => Some((char::from_u32(code)?, 2)),
            },
            Self::Utf32 => {
                let code = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?);
                Some((char::from_u32(code)?, 4))
            }
        }
    }

    /// Appends a character; None where the character set does not have it.
    fn encode(self, character: char, out: &mut Vec<u8>) -> Option<()> {
        let code = character as u32;
        let narrow = u16::try_from(code).ok();
        match self {
            Self::Ascii => out.push(u8::try_from(code).ok().filter(u8::is_ascii)?),
            Self::Latin1 => {
                let high = narrow.and_then(|code| LATIN1_HIGH.iter().position(|other| *other == code));
                out.push(match (u8::try_from(code), high) {
                    (_, Some(at)) => 0x80 + u8::try_from(at).ok()?,
                    (Ok(byte), None) if !(0x80..0xa0).contains(&byte) => byte,
                    _ => return None,
                });
            }
            Self::Utf8mb3 | Self::Utf8mb4 => {
                if self == Self::Utf8mb3 && narrow.is_none() {
                    return None;
                }
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Self::Ucs2 => out.extend_from_slice(&narrow?.to_be_bytes()),
            Self::Utf16 => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.extend_from_slice(&unit.to_be_bytes());
                }
            }
            Self::Utf16le => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.extend_from_slice(&unit.to_le_bytes());
                }
            }
            Self::Utf32 => out.extend_from_slice(&code.to_be_bytes()),
        }
        Some(())
    }

    /// The bytes of a text in this character set.
    ///
    /// # Errors
    /// A character that it does not have.
    pub fn encode_text(self, text: &str) -> Result<Vec<u8>, TranscodeError> {
        transcode(Self::Utf8mb4, self, text.as_bytes())
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Text that cannot be converted without a loss.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the text cannot go from {from} to {to} without a loss: the character at byte {at} stands for none there")]
pub struct TranscodeError {
    /// The character set the text is in.
    pub from: Charset,
    /// The one it was to be in.
    pub to: Charset,
    /// Where the character begins.
    pub at: usize,
}

/// Converts a text's bytes as servers do, where nothing is lost.
///
/// # Errors
/// Bytes that are no text of `from`, or a character that `to` does not have (a server would write `?` or refuse it).
pub fn transcode(from: Charset, to: Charset, text: &[u8]) -> Result<Vec<u8>, TranscodeError> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let failed = || TranscodeError { from, to, at };
        let (character, length) = from.decode(rest).ok_or_else(failed)?;
        to.encode(character, &mut out).ok_or_else(failed)?;
        at += length;
    }
    Ok(out)
}

/// The most and fewest bytes of one character, by a character set's name; None for a name that is not known.
pub(crate) fn character_bytes(name: &str) -> Option<(u32, u32)> {
    Some(match name {
        "utf8mb3" | "ujis" | "eucjpms" => (3, 1),
        "utf8mb4" | "gb18030" => (4, 1),
        "utf16" | "utf16le" => (4, 2),
        "utf32" => (4, 4),
        "ucs2" => (2, 2),
        "gbk" | "big5" | "sjis" | "cp932" | "euckr" | "gb2312" => (2, 1),
        "ascii" | "latin1" | "binary" | "latin2" | "latin5" | "latin7" | "dec8" | "cp850" | "cp852" | "cp866"
        | "cp1250" | "cp1251" | "cp1256" | "cp1257" | "hp8" | "koi8r" | "koi8u" | "swe7" | "hebrew" | "tis620"
        | "greek" | "armscii8" | "keybcs2" | "macce" | "macroman" | "geostd8" => (1, 1),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Charset; 8] = [
        Charset::Ascii,
        Charset::Latin1,
        Charset::Utf8mb3,
        Charset::Utf8mb4,
        Charset::Ucs2,
        Charset::Utf16,
        Charset::Utf16le,
        Charset::Utf32,
    ];

    #[test]
    fn known_texts() {
        let check = |to: Charset, text: &str, bytes: &[u8]| assert_eq!(to.encode_text(text).unwrap(), bytes, "{to}");
        check(Charset::Latin1, "aé€\u{81}ÿ", b"a\xe9\x80\x81\xff");
        check(Charset::Ucs2, "a€", b"\0a\x20\xac");
        check(Charset::Utf16, "a😀", b"\0a\xd8\x3d\xde\x00");
        check(Charset::Utf16le, "a😀", b"a\0\x3d\xd8\x00\xde");
        check(Charset::Utf32, "a😀", b"\0\0\0a\0\x01\xf6\x00");
        check(Charset::Utf8mb3, "é€", "é€".as_bytes());
    }

    #[test]
    fn what_is_lost_is_an_error() {
        for (from, to, text, at) in [
            (Charset::Utf8mb4, Charset::Utf8mb3, "a😀".as_bytes(), 1),
            (Charset::Utf8mb4, Charset::Ucs2, "😀".as_bytes(), 0),
            (Charset::Utf8mb4, Charset::Latin1, "é漢".as_bytes(), 2),
            (Charset::Utf8mb4, Charset::Latin1, "\u{80}".as_bytes(), 0),
            (Charset::Latin1, Charset::Ascii, b"a\xe9", 1),
            (Charset::Utf8mb4, Charset::Utf16, b"a\xff", 1),
            (Charset::Utf8mb4, Charset::Utf16, b"\xed\xa0\x80", 0),
            (Charset::Utf8mb3, Charset::Utf8mb4, "😀".as_bytes(), 0),
            (Charset::Utf16, Charset::Utf8mb4, b"\0a\0", 2),
            (Charset::Utf16, Charset::Utf8mb4, b"\xd8\x3d\0a", 0),
            (Charset::Utf32, Charset::Utf8mb4, b"\0\x11\0\0", 0),
            (Charset::Ascii, Charset::Utf8mb4, b"\x80", 0),
        ] {
            assert_eq!(transcode(from, to, text), Err(TranscodeError { from, to, at }), "{from} {to}");
        }
    }

    #[test]
    fn there_and_back() {
        let every_byte: Vec<u8> = (0..=255).collect();
        for to in [Charset::Utf8mb3, Charset::Utf8mb4, Charset::Ucs2, Charset::Utf16, Charset::Utf16le, Charset::Utf32]
        {
            let there = transcode(Charset::Latin1, to, &every_byte).unwrap();
            assert_eq!(transcode(to, Charset::Latin1, &there).unwrap(), every_byte, "{to}");
        }
        for from in ALL {
            assert_eq!(Charset::from_name(from.name()), Some(from));
            for to in ALL {
                let there = transcode(from, to, &from.encode_text("plain").unwrap()).unwrap();
                assert_eq!(there, to.encode_text("plain").unwrap());
            }
        }
    }
}
