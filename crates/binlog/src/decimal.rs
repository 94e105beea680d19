//! DECIMAL: its bytes and its text.

use std::fmt;

use crate::Malformed;
use crate::bytes::{Cursor, big_endian};
use crate::column::LEFTOVER_BYTES;

/// Sign, 65 digits, a point, a zero before it, and one to spare.
const MOST: usize = 69;

/// An exact decimal number, kept as the server writes it: a minus sign if below zero, no leading zeros but the one before
/// a point, every digit of the scale.
#[derive(Clone, Copy)]
pub struct Decimal {
    text: [u8; MOST],
    length: u8,
}

impl Decimal {
    /// Decodes a DECIMAL's bytes: digits in groups of nine to four bytes with the high byte first, leftover digits at
    /// both ends in fewer bytes, the top bit inverted, and all bits inverted for numbers below zero.
    ///
    /// # Errors
    /// Too few bytes, or a group that holds more than its digits can.
    pub fn decode(precision: u8, scale: u8, raw: &[u8]) -> Result<Self, Malformed> {
        let invalid = |problem| Malformed::invalid("DECIMAL value", problem);
        if precision > 65 || scale > precision {
            return Err(invalid("digits beyond those of the type"));
        }
        let negative = raw.first().is_some_and(|first| first & 0x80 == 0);
        let mut number = Self { text: [0; MOST], length: 0 };
        let mut cursor = Cursor::new(raw);
        let (whole, fraction) = (usize::from(precision - scale), usize::from(scale));
        let mut first = true;
        let mut group = |digits: usize| -> Result<u64, Malformed> {
            let bytes = cursor.take(if digits == 9 { 4 } else { LEFTOVER_BYTES[digits] }, "DECIMAL value")?;
            let mut copy = [0; 4];
            let copy = copy.get_mut(..bytes.len()).unwrap_or_default();
            copy.copy_from_slice(bytes);
            if let Some(top) = copy.first_mut().filter(|_| std::mem::take(&mut first)) {
                *top ^= 0x80;
            }
            if negative {
                copy.iter_mut().for_each(|byte| *byte = !*byte);
            }
            let value = big_endian(copy);
            if value < 10u64.pow(digits as u32) { Ok(value) } else { Err(invalid("a group of digits out of range")) }
        };
        if negative {
            number.push(b'-');
        }
        let mut started = false;
        let mut whole_group = |number: &mut Self, digits: usize| -> Result<(), Malformed> {
            let value = group(digits)?;
            if started || value != 0 {
                number.push_digits(value, if started { digits } else { 0 });
                started = true;
            }
            Ok(())
        };
        if whole % 9 != 0 {
            whole_group(&mut number, whole % 9)?;
        }
        for _ in 0..whole / 9 {
            whole_group(&mut number, 9)?;
        }
        if !started {
            number.push(b'0');
        }
        if fraction > 0 {
            number.push(b'.');
        }
        for _ in 0..fraction / 9 {
            let value = group(9)?;
            number.push_digits(value, 9);
        }
        if fraction % 9 != 0 {
            let value = group(fraction % 9)?;
            number.push_digits(value, fraction % 9);
        }
        // There is no zero below zero.
        if negative && number.as_str().bytes().all(|byte| !(b'1'..=b'9').contains(&byte)) {
            number.text.copy_within(1.., 0);
            number.length -= 1;
        }
        Ok(number)
    }

    /// The number as text: `-0.50`.
    pub fn as_str(&self) -> &str {
        self.text.get(..usize::from(self.length)).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.text.get_mut(usize::from(self.length)) {
            *slot = byte;
            self.length += 1;
        }
    }

    /// Writes at least `width` digits.
    fn push_digits(&mut self, mut value: u64, width: usize) {
        let mut digits = [b'0'; 20];
        let mut count = 0;
        while value > 0 || count < width {
            digits[count] = b'0' + (value % 10) as u8;
            value /= 10;
            count += 1;
        }
        digits.iter().take(count).rev().for_each(|digit| self.push(*digit));
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Equal as texts, hence as numbers of one scale.
impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Decimal {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(precision: u8, scale: u8, hex: &str, expected: &str) {
        let raw: Vec<u8> =
            (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
        assert_eq!(Decimal::decode(precision, scale, &raw).unwrap().as_str(), expected, "{hex}");
    }

    #[test]
    fn known_bytes() {
        // The manual's example, 1234567890.1234 as DECIMAL(14,4), and its negative.
        check(14, 4, "810dfb38d204d2", "1234567890.1234");
        check(14, 4, "7ef204c72dfb2d", "-1234567890.1234");
        check(14, 4, "80000000000000", "0.0000");
        check(5, 0, "800000", "0");
        check(5, 0, "80007b", "123");
        check(2, 2, "b2", "0.50");
        check(2, 2, "4d", "-0.50");
        check(4, 2, "8105", "1.05");
        check(4, 2, "7efa", "-1.05");
        // Minus zero is zero.
        check(4, 2, "7fff", "0.00");
        check(10, 0, "8100000000", "1000000000");
        check(10, 0, "8000000001", "1");
    }

    #[test]
    fn the_widest() {
        // DECIMAL(65,30), all nines: 35 digits before the point (8 + 3 groups), 30 behind it (3 groups + 3).
        let groups = "3b9ac9ff".repeat(3);
        let positive = format!("85f5e0ff{groups}{groups}03e7");
        check(65, 30, &positive, &format!("{}.{}", "9".repeat(35), "9".repeat(30)));
        let negative: String = (0..positive.len() / 2)
            .map(|i| format!("{:02x}", !u8::from_str_radix(&positive[2 * i..2 * i + 2], 16).unwrap()))
            .collect();
        check(65, 30, &negative, &format!("-{}.{}", "9".repeat(35), "9".repeat(30)));
        check(65, 0, &format!("e3{}", "3b9ac9ff".repeat(7)), &"9".repeat(65));
    }

    #[test]
    fn refuses_what_is_no_decimal() {
        assert!(Decimal::decode(14, 4, &[0x81]).is_err());
        assert!(Decimal::decode(9, 0, &[0xff; 4]).is_err());
        assert!(Decimal::decode(66, 0, &[0x80; 40]).is_err());
        assert!(Decimal::decode(4, 5, &[0x80; 40]).is_err());
    }
}
