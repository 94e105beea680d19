//! What rows that are there have in a new column: its default as a literal of its own type, so that what happens to the
//! column later starts from the value and not from how it was written.

use std::fmt::Write as _;

use super::{AddedValue, DdlContext, StatementTimeKind};
use crate::charset::{Charset, character_bytes};
use crate::lexer::{self, Kind};
use crate::shape::Column;
use crate::{ClientCharset, ColumnType, Flavour};

/// Tokens of a default that is more than an expression to refuse.
const MOST_TOKENS: usize = 64;

/// A default as written.
enum Written {
    Null,
    /// A number: its text with a sign.
    Number(String),
    Text(String),
    Bytes(Vec<u8>),
    /// The statement's time with so many decimals; None where it is not said.
    Time(StatementTimeKind, Option<u8>),
    EmptyJson(&'static str),
}

/// The value of a new column.
pub(super) fn value(column: &Column, context: &DdlContext<'_>) -> Result<AddedValue, String> {
    if column.auto_increment {
        return Err("rows are numbered in an order that cannot be told".to_owned());
    }
    let Some(text) = &column.default else {
        return if column.nullable { Ok(AddedValue::Null) } else { implicit(column, context) };
    };
    match read(text, context)? {
        Written::Null if column.nullable => Ok(AddedValue::Null),
        Written::Null => implicit(column, context),
        Written::Time(kind, fsp) => time(column, kind, fsp, context),
        written => literal(column, written),
    }
}

/// The value without a default: the type's zero, but an ENUM's first member.
fn implicit(column: &Column, context: &DdlContext<'_>) -> Result<AddedValue, String> {
    match &column.ty {
        ColumnType::Enum { values } => {
            let first = values.first().ok_or("it has no member")?;
            Ok(AddedValue::Literal(quoted(&encoded(column, first)?)))
        }
        ColumnType::Json => Ok(AddedValue::Literal(json("null"))),
        // MySQL refuses it where there is a row; MariaDB writes what no literal is.
        ColumnType::Geometry { .. } if context.dialect.flavour == Flavour::Mysql => {
            Ok(AddedValue::Literal(b"''".to_vec()))
        }
        ColumnType::Vector { .. } => {
            Err("the rows have vectors without numbers, which nothing can be loaded as".to_owned())
        }
        _ => zero(column),
    }
}

/// The zero of a column's type, which a NULL becomes.
pub(super) fn zero(column: &Column) -> Result<AddedValue, String> {
    let decimals = |fsp: u8| if fsp == 0 { String::new() } else { format!(".{}", "0".repeat(usize::from(fsp))) };
    let text = match &column.ty {
        ColumnType::TinyInt { .. }
        | ColumnType::SmallInt { .. }
        | ColumnType::MediumInt { .. }
        | ColumnType::Int { .. }
        | ColumnType::BigInt { .. }
        | ColumnType::Float { .. }
        | ColumnType::Double { .. }
        | ColumnType::Bit { .. }
        | ColumnType::Year => "0".to_owned(),
        ColumnType::Decimal { scale, .. } => format!("0{}", decimals(*scale)),
        ColumnType::Date => "'0000-00-00'".to_owned(),
        ColumnType::Time { fsp } => format!("'00:00:00{}'", decimals(*fsp)),
        ColumnType::DateTime { fsp } | ColumnType::Timestamp { fsp } => {
            format!("'0000-00-00 00:00:00{}'", decimals(*fsp))
        }
        ColumnType::Binary { length } => {
            let zeros = vec![0; usize::try_from(*length).unwrap_or(0).min(255)];
            return Ok(AddedValue::Literal(binary_quoted(&zeros)));
        }
        ColumnType::Uuid => "_latin1'00000000-0000-0000-0000-000000000000'".to_owned(),
        ColumnType::Inet6 => "_latin1'::'".to_owned(),
        ColumnType::Inet4 => "_latin1'0.0.0.0'".to_owned(),
        // Not a member, but the number of none.
        ColumnType::Enum { values } if values.iter().any(String::is_empty) => "0".to_owned(),
        ty if ty.is_text() => "''".to_owned(),
        ColumnType::VarBinary { .. }
        | ColumnType::TinyBlob
        | ColumnType::Blob
        | ColumnType::MediumBlob
        | ColumnType::LongBlob => "''".to_owned(),
        _ => return Err("its type has no zero".to_owned()),
    };
    Ok(AddedValue::Literal(text.into_bytes()))
}

/// Reads a default; what is no literal and no time is refused.
fn read(text: &str, context: &DdlContext<'_>) -> Result<Written, String> {
    let refused = || format!("its default is an expression, whose value cannot be told: {}", shown(text));
    let tokens = lexer::lex(text, &context.dialect, MOST_TOKENS).map_err(|error| error.to_string())?;
    if tokens.len() == MOST_TOKENS {
        return Err(refused());
    }
    let mut kinds: Vec<&Kind<'_>> = tokens.iter().map(|token| &token.kind).collect();
    // `(5)`, `(('a'))`, `(-(5))`: parentheses around all of it.
    let mut negative = false;
    loop {
        match kinds.as_slice() {
            [Kind::Symbol('('), .., Kind::Symbol(')')] if encloses(&kinds) => {
                kinds.pop();
                kinds.remove(0);
            }
            [Kind::Symbol('-'), _, ..] => {
                negative = !negative;
                kinds.remove(0);
            }
            [Kind::Symbol('+'), _, ..] => {
                kinds.remove(0);
            }
            _ => break,
        }
    }
    if negative {
        return match kinds.as_slice() {
            [Kind::Number(number)] => Ok(Written::Number(format!("-{number}"))),
            _ => Err(refused()),
        };
    }
    let word = |index: usize| match kinds.get(index) {
        Some(Kind::Word(word)) => word.to_ascii_uppercase(),
        _ => String::new(),
    };
    match kinds.as_slice() {
        [Kind::Number(number)] => Ok(Written::Number((*number).to_owned())),
        [Kind::Text(first), rest @ ..] if rest.iter().all(|kind| matches!(kind, Kind::Text(_))) => {
            let mut text = first.to_string();
            for kind in rest {
                if let Kind::Text(more) = kind {
                    text.push_str(more);
                }
            }
            Ok(Written::Text(text))
        }
        [Kind::Word(word)] if word.eq_ignore_ascii_case("NULL") => Ok(Written::Null),
        [Kind::Word(word)] if word.eq_ignore_ascii_case("TRUE") => Ok(Written::Number("1".to_owned())),
        [Kind::Word(word)] if word.eq_ignore_ascii_case("FALSE") => Ok(Written::Number("0".to_owned())),
        [Kind::Word(digits)] if digits.starts_with("0x") => hexadecimal(&digits[2..]).ok_or_else(refused),
        [Kind::Word(digits)] if digits.starts_with("0b") => binary(&digits[2..]).ok_or_else(refused),
        [Kind::Word(_), Kind::Text(value)] => match word(0).as_str() {
            "X" => hexadecimal(value).ok_or_else(refused),
            "B" => binary(value).ok_or_else(refused),
            "N" | "DATE" | "TIME" | "TIMESTAMP" => Ok(Written::Text(value.to_string())),
            "_BINARY" if value.is_ascii() => Ok(Written::Bytes(value.as_bytes().to_vec())),
            // The text has come out of the statement as Unicode, which is only right where its bytes were UTF-8.
            "_UTF8" | "_UTF8MB3" | "_UTF8MB4" => Ok(Written::Text(value.to_string())),
            introducer if introducer.starts_with('_') && value.is_ascii() && ascii_compatible(&introducer[1..]) => {
                Ok(Written::Text(value.to_string()))
            }
            _ => Err(refused()),
        },
        [Kind::Word(_), rest @ ..] => {
            let fsp = match rest {
                [] | [Kind::Symbol('('), Kind::Symbol(')')] => None,
                [Kind::Symbol('('), Kind::Number(fsp), Kind::Symbol(')')] => Some(fsp.parse().map_err(|_| refused())?),
                _ => return Err(refused()),
            };
            let called = !rest.is_empty();
            Ok(match word(0).as_str() {
                "CURRENT_TIMESTAMP" | "LOCALTIME" | "LOCALTIMESTAMP" => Written::Time(StatementTimeKind::DateTime, fsp),
                "NOW" if called => Written::Time(StatementTimeKind::DateTime, fsp),
                "CURRENT_DATE" => Written::Time(StatementTimeKind::Date, None),
                "CURDATE" if called => Written::Time(StatementTimeKind::Date, None),
                "CURRENT_TIME" => Written::Time(StatementTimeKind::Time, fsp),
                "CURTIME" if called => Written::Time(StatementTimeKind::Time, fsp),
                "JSON_ARRAY" if called && fsp.is_none() => Written::EmptyJson("[]"),
                "JSON_OBJECT" if called && fsp.is_none() => Written::EmptyJson("{}"),
                _ => return Err(refused()),
            })
        }
        _ => Err(refused()),
    }
}

/// Whether the first parenthesis closes at the end.
fn encloses(kinds: &[&Kind<'_>]) -> bool {
    let mut depth = 0_i32;
    for (index, kind) in kinds.iter().enumerate() {
        match kind {
            Kind::Symbol('(') => depth += 1,
            Kind::Symbol(')') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index + 1 == kinds.len();
        }
    }
    false
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

fn hexadecimal(digits: &str) -> Option<Written> {
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let padded = if digits.len().is_multiple_of(2) { digits.to_owned() } else { format!("0{digits}") };
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    padded.as_bytes().chunks(2).map(byte).collect::<Option<_>>().map(Written::Bytes)
}

fn binary(digits: &str) -> Option<Written> {
    if digits.len() > 512 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let padded = format!("{}{digits}", "0".repeat((8 - digits.len() % 8) % 8));
    let byte = |bits: &[u8]| u8::from_str_radix(std::str::from_utf8(bits).ok()?, 2).ok();
    padded.as_bytes().chunks(8).map(byte).collect::<Option<_>>().map(Written::Bytes)
}

/// The statement's time as a default.
fn time(
    column: &Column,
    kind: StatementTimeKind,
    said: Option<u8>,
    context: &DdlContext<'_>,
) -> Result<AddedValue, String> {
    use StatementTimeKind as Time;
    let (kind, fsp) = match (&column.ty, kind) {
        (ColumnType::Timestamp { fsp }, Time::DateTime) => (Time::Timestamp, *fsp),
        (ColumnType::DateTime { fsp }, Time::DateTime) => (Time::DateTime, *fsp),
        (ColumnType::Date, Time::Date) => (Time::Date, 0),
        (ColumnType::DateTime { .. }, Time::Date) => (Time::Date, 0),
        (ColumnType::Time { fsp }, Time::Time) => (Time::Time, *fsp),
        _ => return Err("its default is the time in another form than its type".to_owned()),
    };
    let said = said.unwrap_or(0);
    let fsp = match context.dialect.flavour {
        // A plain CURRENT_TIMESTAMP has as many decimals as the column.
        Flavour::Mariadb if said == 0 => fsp,
        _ if said <= fsp => said,
        Flavour::Mariadb => fsp,
        Flavour::Mysql => return Err("its default is a time with more decimals than it has".to_owned()),
    };
    Ok(AddedValue::StatementTime { fsp, kind })
}

/// A literal of the column's type.
fn literal(column: &Column, written: Written) -> Result<AddedValue, String> {
    let refused = || "its default is no plain value of its type".to_owned();
    let ty = &column.ty;
    if let ColumnType::Bit { bits } = ty {
        let number = match written {
            Written::Bytes(bytes) => number_of(&bytes),
            Written::Number(number) => number.parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| *bits == 64 || *number >> bits == 0).ok_or_else(refused)?;
        return Ok(AddedValue::Literal(number.to_string().into_bytes()));
    }
    if matches!(ty, ColumnType::Json) {
        return match written {
            Written::EmptyJson(text) => Ok(AddedValue::Literal(json(text))),
            Written::Text(text) => Ok(AddedValue::Literal(json(checked(&text)?))),
            _ => Err(refused()),
        };
    }
    if let ColumnType::Timestamp { fsp } | ColumnType::DateTime { fsp } = ty {
        let text = match &written {
            Written::Text(text) => text.as_str(),
            Written::Number(number) if number == "0" => "0000-00-00",
            _ => return Err(refused()),
        };
        let text = date_time(text, *fsp).ok_or_else(refused)?;
        let zero = text.starts_with("0000-00-00 00:00:00");
        return Ok(if matches!(ty, ColumnType::Timestamp { .. }) && !zero {
            AddedValue::SessionTimestamp(text)
        } else {
            AddedValue::Literal(format!("'{text}'").into_bytes())
        });
    }
    let bytes = match ty {
        ColumnType::Date => {
            let text = match &written {
                Written::Text(text) => text.as_str(),
                Written::Number(number) if number == "0" => "0000-00-00",
                _ => return Err(refused()),
            };
            let text = date_time(text, 0).ok_or_else(refused)?;
            let date = text.strip_suffix(" 00:00:00").ok_or_else(refused)?;
            format!("'{date}'").into_bytes()
        }
        ColumnType::Time { fsp } => match &written {
            Written::Text(text) => format!("'{}'", time_of_day(text, *fsp).ok_or_else(refused)?).into_bytes(),
            Written::Number(number) if number == "0" => match zero(column)? {
                AddedValue::Literal(zero) => zero,
                _ => return Err(refused()),
            },
            _ => return Err(refused()),
        },
        ColumnType::Year => {
            let text = plain(&written).ok_or_else(refused)?;
            let year: u16 = text.parse().map_err(|_| refused())?;
            if text.len() == 4 && ((1901..=2155).contains(&year) || year == 0) {
                year.to_string().into_bytes()
            } else {
                return Err(refused());
            }
        }
        ColumnType::Decimal { precision, scale, .. } => {
            decimal(&plain(&written).ok_or_else(refused)?, *precision, *scale).ok_or_else(refused)?.into_bytes()
        }
        ColumnType::Float { .. } | ColumnType::Double { .. } => {
            let number: f64 = plain(&written).and_then(|text| text.parse().ok()).ok_or_else(refused)?;
            if !number.is_finite() || (column.decimals.is_some() && number.fract() != 0.0) {
                return Err(refused());
            }
            #[expect(clippy::cast_possible_truncation, reason = "a FLOAT column rounds so")]
            let number = if matches!(ty, ColumnType::Float { .. }) { f64::from(number as f32) } else { number };
            format!("{number:e}").into_bytes()
        }
        ty if super::value::integer_range(ty).is_some() => {
            let number: i128 = match &written {
                Written::Bytes(bytes) => number_of(bytes).map(i128::from).ok_or_else(refused)?,
                written => plain(written).and_then(|text| decimal(&text, 65, 0)?.parse().ok()).ok_or_else(refused)?,
            };
            let (least, most) = super::value::integer_range(ty).ok_or_else(refused)?;
            if !(least..=most).contains(&number) {
                return Err(refused());
            }
            number.to_string().into_bytes()
        }
        ColumnType::Enum { values } => {
            let text = members_text(&written).ok_or_else(refused)?;
            let member = member(values, text.trim_end_matches(' ')).ok_or_else(refused)?;
            quoted(&encoded(column, member)?)
        }
        ColumnType::Set { values } => {
            let text = members_text(&written).ok_or_else(refused)?;
            let mut chosen = vec![false; values.len()];
            for part in text.split(',').filter(|part| !part.is_empty()) {
                let found = member(values, part.trim_end_matches(' ')).ok_or_else(refused)?;
                let place = values.iter().position(|value| value == found).ok_or_else(refused)?;
                *chosen.get_mut(place).ok_or_else(refused)? = true;
            }
            let labels: Vec<&str> =
                values.iter().zip(chosen).filter(|(_, chosen)| *chosen).map(|(value, _)| value.as_str()).collect();
            quoted(&encoded(column, &labels.join(","))?)
        }
        ty if ty.is_text() => match written {
            Written::Bytes(bytes) if matches!(super::value::narrowest(column), Some(1)) => quoted(&bytes),
            Written::Bytes(_) | Written::EmptyJson(_) => return Err(refused()),
            Written::Text(text) => {
                let text = if matches!(ty, ColumnType::Char { .. }) { text.trim_end_matches(' ') } else { &text };
                quoted(&encoded(column, text)?)
            }
            written => quoted(&encoded(column, &plain_integer(&written).ok_or_else(refused)?)?),
        },
        ColumnType::Uuid | ColumnType::Inet4 | ColumnType::Inet6 => {
            let text = members_text(&written).filter(|text| is_address(ty, text)).ok_or_else(refused)?;
            // A string without a character set is taken for the address's own bytes.
            [b"_latin1".to_vec(), quoted(text.as_bytes())].concat()
        }
        ColumnType::Binary { .. }
        | ColumnType::VarBinary { .. }
        | ColumnType::TinyBlob
        | ColumnType::Blob
        | ColumnType::MediumBlob
        | ColumnType::LongBlob => {
            let mut bytes = match written {
                Written::Bytes(bytes) => bytes,
                Written::Text(text) if text.is_ascii() => text.into_bytes(),
                Written::Text(_) => return Err("which bytes its default stands for cannot be told".to_owned()),
                written => plain_integer(&written).ok_or_else(refused)?.into_bytes(),
            };
            if let ColumnType::Binary { length } = ty {
                bytes.resize(bytes.len().max(usize::try_from(*length).unwrap_or(0).min(255)), 0);
            }
            binary_quoted(&bytes)
        }
        _ => return Err(refused()),
    };
    Ok(AddedValue::Literal(bytes))
}

/// A literal of another column's type, written as this column's.
pub(super) fn again(column: &Column, text: &[u8]) -> Option<AddedValue> {
    let written = match text.strip_prefix(b"_binary ") {
        Some(bytes) => Written::Bytes(unquoted(bytes)?),
        None => match unquoted(text) {
            Some(bytes) => Written::Text(String::from_utf8(bytes).ok().filter(|text| text.is_ascii())?),
            None => Written::Number(String::from_utf8(text.to_vec()).ok()?),
        },
    };
    literal(column, written).ok()
}

/// A number, or text that is one.
fn plain(written: &Written) -> Option<String> {
    match written {
        Written::Number(text) => Some(text.clone()),
        Written::Text(text) => Some(text.trim().to_owned()),
        _ => None,
    }
}

/// A number that is the same as text.
fn plain_integer(written: &Written) -> Option<String> {
    match written {
        Written::Number(text) => text.parse::<i64>().ok().map(|number| number.to_string()),
        _ => None,
    }
}

/// Whether a text is one that MariaDB itself prints of an address, or nearly so.
fn is_address(ty: &ColumnType, text: &str) -> bool {
    match ty {
        ColumnType::Inet4 => text.parse::<std::net::Ipv4Addr>().is_ok(),
        ColumnType::Inet6 => text.parse::<std::net::Ipv6Addr>().is_ok(),
        _ => {
            let parts: Vec<&str> = text.split('-').collect();
            parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
                && parts.iter().all(|part| part.bytes().all(|digit| digit.is_ascii_hexdigit()))
        }
    }
}

fn members_text(written: &Written) -> Option<&str> {
    match written {
        Written::Text(text) => Some(text),
        _ => None,
    }
}

/// The member that a text means: itself, else the only one that differs in case.
fn member<'v>(values: &'v [String], text: &str) -> Option<&'v String> {
    if let Some(exact) = values.iter().find(|value| *value == text) {
        return Some(exact);
    }
    let mut alike = values.iter().filter(|value| value.to_lowercase() == text.to_lowercase());
    alike.next().filter(|_| alike.next().is_none())
}

fn number_of(bytes: &[u8]) -> Option<u64> {
    let significant = bytes.iter().skip_while(|byte| **byte == 0);
    let count = significant.clone().count();
    (count <= 8).then(|| significant.fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// `12.345` rounded to a scale, half away from zero, as the server prints it.
fn decimal(text: &str, precision: u8, scale: u8) -> Option<String> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) || text.len() > 200 {
        return None;
    }
    let scale = usize::from(scale);
    let mut digits: Vec<u8> =
        whole.bytes().chain(fraction.bytes().chain(std::iter::repeat(b'0')).take(scale)).collect();
    if fraction.as_bytes().get(scale).is_some_and(|next| *next >= b'5') {
        let mut carry = true;
        for digit in digits.iter_mut().rev() {
            if !carry {
                break;
            }
            carry = *digit == b'9';
            *digit = if carry { b'0' } else { *digit + 1 };
        }
        if carry {
            digits.insert(0, b'1');
        }
    }
    let digits = String::from_utf8(digits).ok()?;
    let (whole, fraction) = digits.split_at_checked(digits.len().checked_sub(scale)?)?;
    let whole = whole.trim_start_matches('0');
    if whole.len() + scale > usize::from(precision) {
        return None;
    }
    let zero = whole.is_empty() && fraction.bytes().all(|digit| digit == b'0');
    let mut out = String::from(if negative && !zero { "-" } else { "" });
    out.push_str(if whole.is_empty() { "0" } else { whole });
    if scale > 0 {
        write!(out, ".{fraction}").ok()?;
    }
    Some(out)
}

/// `2020-1-31 1:2:3.5` as the server prints it; None where it is written in another way or its fraction is too long.
fn date_time(text: &str, fsp: u8) -> Option<String> {
    let text = text.trim();
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, "00:00:00"));
    let mut parts = date.split('-');
    let mut number = |least: usize, most: usize| {
        let part = parts.next()?;
        let plain = (least..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| part.parse::<u32>().ok())?
    };
    let (year, month, day) = (number(4, 4)?, number(1, 2)?, number(1, 2)?);
    if parts.next().is_some() || month > 12 || day > 31 {
        return None;
    }
    let time = time_of_day(time.trim_start(), fsp)?;
    let hours: u32 = time.get(..2)?.parse().ok()?;
    if hours > 23 || time.as_bytes().get(2) != Some(&b':') {
        return None;
    }
    Some(format!("{year:04}-{month:02}-{day:02} {time}"))
}

/// `-1:2:3.5` as the server prints it.
fn time_of_day(text: &str, fsp: u8) -> Option<String> {
    let text = text.trim();
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let parts: Vec<u32> = clock
        .split(':')
        .map(|part| (!part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse().ok())?)
        .collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match parts.as_slice() {
        [hours, minutes] => (*hours, *minutes, 0),
        [hours, minutes, seconds] => (*hours, *minutes, *seconds),
        _ => return None,
    };
    let fraction = fraction.trim_end_matches('0');
    let fsp = usize::from(fsp);
    if hours > 838
        || minutes > 59
        || seconds > 59
        || fraction.len() > fsp
        || !fraction.bytes().all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let sign = if hours == 0 && minutes == 0 && seconds == 0 && fraction.is_empty() { "" } else { sign };
    let fraction = if fsp == 0 { String::new() } else { format!(".{fraction:0<fsp$}") };
    Some(format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{fraction}"))
}

/// Text of the statement, which must have come through whole.
fn checked(text: &str) -> Result<&str, String> {
    if text.contains('\u{fffd}') { Err("its default is not UTF-8 in the statement".to_owned()) } else { Ok(text) }
}

/// Text as bytes of the column's character set.
fn encoded(column: &Column, text: &str) -> Result<Vec<u8>, String> {
    checked(text)?;
    let charset = column.charset.as_deref();
    if text.is_empty() {
        return Ok(Vec::new());
    }
    match charset.and_then(Charset::from_name) {
        Some(charset) => charset.encode_text(text).map_err(|error| error.to_string()),
        None if text.is_ascii() && charset.is_some_and(ascii_compatible) => Ok(text.as_bytes().to_vec()),
        None => charset
            .and_then(|charset| ClientCharset::of_name(charset).encode(text))
            .ok_or_else(|| "its default's bytes depend on a character set that is not known here".to_owned()),
    }
}

/// Whether ASCII text has the same bytes in a character set.
fn ascii_compatible(charset: &str) -> bool {
    let charset = charset.to_ascii_lowercase();
    charset != "swe7" && character_bytes(&charset).is_some_and(|(_, narrowest)| narrowest == 1)
}

/// A literal of MySQL's JSON, which takes no binary string.
fn json(text: &str) -> Vec<u8> {
    [b"CONVERT(".to_vec(), quoted(text.as_bytes()), b" USING UTF8MB4)".to_vec()].concat()
}

fn binary_quoted(bytes: &[u8]) -> Vec<u8> {
    [b"_binary ".to_vec(), quoted(bytes)].concat()
}

/// A string literal of these bytes.
pub(super) fn quoted(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 2);
    out.push(b'\'');
    for byte in bytes {
        match byte {
            b'\'' | b'\\' => out.extend([b'\\', *byte]),
            0 => out.extend(b"\\0"),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            0x1a => out.extend(b"\\Z"),
            byte => out.push(*byte),
        }
    }
    out.push(b'\'');
    out
}

/// The bytes of such a string literal.
pub(super) fn unquoted(literal: &[u8]) -> Option<Vec<u8>> {
    let inside = literal.strip_prefix(b"'")?.strip_suffix(b"'")?;
    let mut out = Vec::with_capacity(inside.len());
    let mut bytes = inside.iter();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'\\' => match bytes.next()? {
                b'0' => 0,
                b'n' => b'\n',
                b'r' => b'\r',
                b'Z' => 0x1a,
                other => *other,
            },
            byte => *byte,
        });
    }
    Some(out)
}
