//! The texts of schema files as what they are.
//!
//! A server shows definitions in UTF-8, but the default of a binary column as its bytes, and mydumper writes both behind SET
//! NAMES binary: loaded so, the members of a latin1 or utf16 ENUM would get other characters, and the text of a UUID or an
//! address as a default would be no text. Definitions are therefore declared as UTF-8, and such bytes written as X'…'.

use std::borrow::Cow;

use backtrail_dump::literal::parse_literal;

const BINARY: &str = "SET NAMES binary";

/// A schema file for the result.
pub(crate) fn loadable(content: Vec<u8>) -> Vec<u8> {
    match std::str::from_utf8(&in_utf8(&content)) {
        Ok(text) => match text.split_once(BINARY) {
            Some((before, after)) => [before, "SET NAMES utf8mb4", after].concat().into_bytes(),
            None => text.as_bytes().to_vec(),
        },
        Err(_) => content,
    }
}

/// A file with its strings that are not UTF-8 as X'…'.
pub(crate) fn in_utf8(content: &[u8]) -> Cow<'_, [u8]> {
    if std::str::from_utf8(content).is_ok() {
        return Cow::Borrowed(content);
    }
    let mut out = Vec::with_capacity(content.len() + 64);
    let mut rest = content;
    while let Some(at) = memchr::memchr3(b'\'', b'"', b'`', rest) {
        let (before, quoted) = rest.split_at(at);
        out.extend_from_slice(before);
        let (quoted, after) = quoted.split_at(length(quoted));
        rest = after;
        let bytes = match std::str::from_utf8(quoted) {
            Ok(_) => None,
            Err(_) => parse_literal(quoted).ok().and_then(backtrail_dump::literal::Literal::into_bytes),
        };
        match bytes {
            Some(bytes) => {
                out.extend_from_slice(b"X'");
                bytes.iter().for_each(|byte| out.extend_from_slice(format!("{byte:02X}").as_bytes()));
                out.push(b'\'');
            }
            None => out.extend_from_slice(quoted),
        }
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

/// How long the string or name is that the bytes begin with, to its closing quote or to the end.
fn length(quoted: &[u8]) -> usize {
    let Some(quote) = quoted.first() else { return 0 };
    let mut at = 1;
    while let Some(byte) = quoted.get(at) {
        at += match byte {
            b'\\' if *quote != b'`' => 2,
            byte if byte == quote && quoted.get(at + 1) == Some(quote) => 2,
            byte if byte == quote => return at + 1,
            _ => 1,
        };
    }
    quoted.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content: &[u8], expected: &str) {
        assert_eq!(String::from_utf8_lossy(&loadable(content.to_vec())), expected);
    }

    #[test]
    fn definitions_say_what_they_are() {
        check(b"/*!40101 SET NAMES binary*/;\nCREATE TABLE `t`", "/*!40101 SET NAMES utf8mb4*/;\nCREATE TABLE `t`");
        check("SET NAMES binary;\nENUM('ä')".as_bytes(), "SET NAMES utf8mb4;\nENUM('ä')");
        check("ENUM('ä')".as_bytes(), "ENUM('ä')");
    }

    #[test]
    fn bytes_are_written_as_such() {
        check(
            "SET NAMES binary;\n`é'` ENUM('é') DEFAULT 'é', `b` BINARY(3) DEFAULT '\\0¿\\'' COMMENT 'it''s é'"
                .replace('¿', "\u{1}")
                .as_bytes(),
            "SET NAMES utf8mb4;\n`é'` ENUM('é') DEFAULT 'é', `b` BINARY(3) DEFAULT '\\0\u{1}\\'' COMMENT 'it''s é'",
        );
        let definition =
            [&b"`\xc3\xa9'` binary(9) DEFAULT '\\0\xff''\\\\\xfe', `c` ENUM('\xc3\xa9') COMMENT 'a\\'b''c'"[..]]
                .concat();
        check(&definition, "`é'` binary(9) DEFAULT X'00FF275CFE', `c` ENUM('é') COMMENT 'a\\'b''c'");
        check(b"DEFAULT '\xff", "DEFAULT '\u{fffd}");
        check(b"\xff", "\u{fffd}");
    }
}
