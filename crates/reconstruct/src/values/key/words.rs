//! Keys in words, for messages.

use super::{Encoding, KeyPart, quoted, take_bytes};
use crate::values::temporal;

impl KeyPart {
    pub(super) fn describe(&self, key: &mut &[u8]) -> String {
        self.read_back(key).unwrap_or_else(|| "?".to_owned())
    }

    pub(super) fn read_back(&self, key: &mut &[u8]) -> Option<String> {
        if self.nullable {
            let (marker, rest) = key.split_first()?;
            *key = rest;
            if *marker == 0 {
                return Some("NULL".to_owned());
            }
        }
        let mut fixed = || {
            let (bytes, rest) = key.split_first_chunk::<8>()?;
            *key = rest;
            Some(u64::from_be_bytes(*bytes))
        };
        let signed = |bits: u64| (bits ^ 1 << 63).cast_signed();
        Some(match &self.encoding {
            Encoding::Signed => signed(fixed()?).to_string(),
            Encoding::Unsigned | Encoding::Bit | Encoding::Year => fixed()?.to_string(),
            Encoding::Set(_) => format!("members {:#b}", fixed()?),
            Encoding::Double { .. } | Encoding::Float { .. } => {
                let bits = fixed()?;
                f64::from_bits(if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits }).to_string()
            }
            Encoding::Enum(members) => {
                let ordinal = usize::try_from(fixed()?).ok()?;
                let member = ordinal.checked_sub(1).and_then(|index| members.get(index));
                quoted(member.map_or(&[], Vec::as_slice))
            }
            Encoding::Date => {
                let packed = fixed()?;
                format!("'{:04}-{:02}-{:02}'", packed / 10_000, packed / 100 % 100, packed % 100)
            }
            Encoding::Time => {
                let micros = signed(fixed()?);
                let sign = if micros < 0 { "-" } else { "" };
                let micros = micros.unsigned_abs();
                let seconds = micros / 1_000_000;
                let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
                format!("'{sign}{hours:02}:{minutes:02}:{:02}.{:06}'", seconds % 60, micros % 1_000_000)
            }
            Encoding::DateTime => temporal::DateTime::from_packed(fixed()?).to_string(),
            Encoding::Timestamp => {
                let micros = fixed()?;
                let at = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).ok()?;
                format!("'{at}'")
            }
            Encoding::Decimal { whole, scale } => {
                let (text, rest) = key.split_at_checked(1 + whole + scale)?;
                *key = rest;
                let (sign, digits) = text.split_first()?;
                let digits: String =
                    digits.iter().map(|d| if *sign == 0 { (b'0' + b'9' - d) as char } else { *d as char }).collect();
                let (whole, fraction) = digits.split_at_checked(*whole)?;
                let whole = whole.trim_start_matches('0');
                let point = if fraction.is_empty() { "" } else { "." };
                format!(
                    "{}{}{point}{fraction}",
                    if *sign == 0 { "-" } else { "" },
                    if whole.is_empty() { "0" } else { whole }
                )
            }
            Encoding::Address(address) => format!("'{}'", address.text(&take_bytes(key)?)?),
            Encoding::Padded(_) | Encoding::Bytes | Encoding::Json => quoted(&take_bytes(key)?),
        })
    }
}
