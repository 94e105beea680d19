//! Values as bytes whose order is that of the values.

use super::{KeyError, canonical};

pub(super) fn put_unsigned(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_be_bytes());
}

pub(super) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_unsigned(out, number.cast_unsigned() ^ 1 << 63);
}

pub(super) fn put_double(out: &mut Vec<u8>, number: f64, exact: bool) {
    let number = if number == 0.0 && !exact { 0.0 } else { number };
    let bits = number.to_bits();
    // Below zero the order of the bits is the reverse.
    put_unsigned(out, if bits >> 63 == 1 { !bits } else { bits | 1 << 63 });
}

pub(super) fn put_date(out: &mut Vec<u8>, year: u64, month: u64, day: u64) {
    put_unsigned(out, (year * 100 + month) * 100 + day);
}

/// A sign, then all digits that the column has; for numbers below zero each digit's complement.
pub(super) fn put_decimal(out: &mut Vec<u8>, text: &[u8], whole: usize, scale: usize) -> Result<(), KeyError> {
    let odd = || KeyError(format!("`{}` is no value of the column", String::from_utf8_lossy(text)).into());
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let point = digits.iter().position(|byte| *byte == b'.').unwrap_or(digits.len());
    let (front, back) = digits.split_at(point);
    let back = back.get(1..).unwrap_or_default();
    let zeros = front.iter().take_while(|digit| **digit == b'0').count();
    let front = front.get(zeros..).unwrap_or_default();
    let (kept, beyond) = back.split_at(back.len().min(scale));
    let all_digits = front.iter().chain(back).all(u8::is_ascii_digit);
    if !all_digits
        || (digits.len() <= 1 && point == 0)
        || front.len() > whole
        || beyond.iter().any(|digit| *digit != b'0')
    {
        return Err(odd());
    }
    let negative = negative && front.iter().chain(kept).any(|digit| *digit != b'0');
    out.push(u8::from(!negative));
    let start = out.len();
    out.resize(start + whole - front.len(), b'0');
    out.extend_from_slice(front);
    out.extend_from_slice(kept);
    out.resize(start + whole + scale, b'0');
    if negative {
        out.iter_mut().skip(start).for_each(|digit| *digit = b'0' + b'9' - *digit);
    }
    Ok(())
}

/// Zero bytes are followed by 0xff, and two zero bytes are the end: `a` sorts before `a\0`, and parts stay apart.
pub(super) fn put_bytes(out: &mut Vec<u8>, mut bytes: &[u8]) {
    while let Some(zero) = memchr::memchr(0, bytes) {
        let (head, rest) = bytes.split_at(zero + 1);
        out.extend_from_slice(head);
        out.push(0xff);
        bytes = rest;
    }
    out.extend_from_slice(bytes);
    out.extend_from_slice(&[0, 0]);
}

pub(super) fn put_json(out: &mut Vec<u8>, text: &str) -> Result<(), KeyError> {
    put_bytes(out, canonical::json(text).map_err(|problem| KeyError(problem.into()))?.as_bytes());
    Ok(())
}

pub(super) fn take_bytes(key: &mut &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let zero = memchr::memchr(0, key)?;
        let (head, rest) = key.split_at(zero);
        out.extend_from_slice(head);
        let (marker, rest) = rest.get(1..)?.split_first()?;
        *key = rest;
        if *marker == 0 {
            return Some(out);
        }
        out.push(0);
    }
}

pub(super) fn without_padding<'a>(mut bytes: &'a [u8], padding: &[u8]) -> &'a [u8] {
    while let Some(shorter) = bytes.strip_suffix(padding) {
        if shorter.len() % padding.len() != 0 {
            break;
        }
        bytes = shorter;
    }
    bytes
}
