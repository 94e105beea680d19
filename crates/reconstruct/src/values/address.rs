//! MariaDB's UUID, INET4 and INET6: texts in a dump, bytes in network order in the binary log, whatever their order in the
//! table is.

use std::net::{Ipv4Addr, Ipv6Addr};

use backtrail_schema::ColumnType;

/// One of these types. Their dumped text loads as text only, not as the bytes that SET NAMES binary makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Address {
    Uuid,
    Inet4,
    Inet6,
}

impl Address {
    /// The type of a column, if it is one of these.
    pub(crate) fn of(ty: &ColumnType) -> Option<Self> {
        match ty {
            ColumnType::Uuid => Some(Self::Uuid),
            ColumnType::Inet4 => Some(Self::Inet4),
            ColumnType::Inet6 => Some(Self::Inet6),
            _ => None,
        }
    }

    fn length(self) -> usize {
        if self == Self::Inet4 { 4 } else { 16 }
    }

    /// All bytes of a value of the log, which has none of the zero bytes at its end.
    pub(crate) fn bytes_of_log(self, logged: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = logged.to_vec();
        (bytes.len() <= self.length()).then(|| bytes.resize(self.length(), 0))?;
        Some(bytes)
    }

    /// The bytes of a text as a server writes it.
    pub(crate) fn bytes_of_text(self, text: &[u8]) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(text).ok()?;
        match self {
            Self::Uuid => {
                let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
                let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
                (digits.len() == 32 && digits.iter().all(u8::is_ascii_hexdigit))
                    .then(|| digits.chunks(2).map(pair).collect())?
            }
            Self::Inet4 => Some(text.parse::<Ipv4Addr>().ok()?.octets().to_vec()),
            Self::Inet6 => Some(text.parse::<Ipv6Addr>().ok()?.octets().to_vec()),
        }
    }

    /// The text of some bytes, as a server reads it.
    pub(crate) fn text(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Uuid => {
                let bytes: [u8; 16] = bytes.try_into().ok()?;
                let mut text = String::with_capacity(36);
                for (at, byte) in bytes.iter().enumerate() {
                    if matches!(at, 4 | 6 | 8 | 10) {
                        text.push('-');
                    }
                    text.push_str(&format!("{byte:02x}"));
                }
                Some(text)
            }
            Self::Inet4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).to_string()),
            Self::Inet6 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: Address, text: &str, logged: &[u8]) {
        let bytes = address.bytes_of_log(logged).unwrap();
        assert_eq!(address.bytes_of_text(text.as_bytes()), Some(bytes.clone()), "{text}");
        let written = address.text(&bytes).unwrap();
        assert_eq!(address.bytes_of_text(written.as_bytes()), Some(bytes), "{text} {written}");
    }

    /// What MariaDB 10.11 and 11.8 print and log for the same values.
    #[test]
    fn text_and_log() {
        let bytes = |tail: &'static [u8]| [b"\x00\x11\x22\x33\x44\x55", tail].concat();
        for (text, logged) in [
            ("00112233-4455-1677-8899-aabbccddeeff", bytes(b"\x16\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff")),
            ("00112233-4455-7677-c899-aabbccddeeff", bytes(b"\x76\x77\xc8\x99\xaa\xbb\xcc\xdd\xee\xff")),
            ("00112233-4455-6677-8899-aabbccddee00", bytes(b"\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee")),
            ("00112233-4455-1677-0000-000000000000", bytes(b"\x16\x77")),
            ("00000000-0000-0000-0000-000000000000", Vec::new()),
        ] {
            check(Address::Uuid, text, &logged);
        }
        check(Address::Inet4, "1.2.3.0", &[1, 2, 3]);
        check(Address::Inet4, "0.0.0.0", &[]);
        let mut mapped = vec![0; 10];
        mapped.extend([0xff, 0xff, 1, 2, 3, 4]);
        check(Address::Inet6, "::ffff:1.2.3.4", &mapped);
        check(Address::Inet6, "fe80::", &[0xfe, 0x80]);
        check(Address::Inet6, "::", &[]);
        check(Address::Inet6, "::0.1.0.5", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 5]);
        check(Address::Inet6, "1:0:0:4::8", &[0, 1, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 8]);
    }

    #[test]
    fn what_is_none() {
        for (address, text) in [
            (Address::Uuid, "0011"),
            (Address::Uuid, "00112233-4455-1677-8899-aabbccddeefg"),
            (Address::Inet4, "1.2.3"),
            (Address::Inet6, "1:2"),
        ] {
            assert_eq!(address.bytes_of_text(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Address::Inet4.bytes_of_log(&[1; 5]), None);
    }
}
