//! Members of ENUM and SET by their texts.

use backtrail_schema::Charset;

use super::KeyError;

/// Member texts in the column's character set, which is how a dump under `SET NAMES binary` has them.
pub(super) fn members(values: &[String], charset: Option<&str>) -> Result<Vec<Vec<u8>>, KeyError> {
    values
        .iter()
        .map(|value| {
            member_bytes(value, charset).ok_or_else(|| {
                let charset = charset.unwrap_or_default();
                KeyError(format!("has the member `{value}`, whose bytes in {charset} are not known").into())
            })
        })
        .collect()
}

/// A member of an ENUM or SET, or the comma between, in the column's character set; None where its bytes are not known.
pub(crate) fn member_bytes(text: &str, charset: Option<&str>) -> Option<Vec<u8>> {
    match charset.and_then(Charset::from_name) {
        Some(charset) => charset.encode_text(text).ok(),
        // All others are ASCII's bytes and more; and so, most likely, is one that the definition leaves to the schema.
        None => text.is_ascii().then(|| text.as_bytes().to_vec()),
    }
}

/// An ENUM's number by its text. The empty text is a member's, or that of an invalid value: 0.
pub(super) fn ordinal(members: &[Vec<u8>], text: &[u8]) -> Option<u64> {
    match members.iter().position(|member| member == text) {
        Some(index) => Some(index as u64 + 1),
        None if text.is_empty() => Some(0),
        None => None,
    }
}

/// A SET's bits by its text: members with commas between. No member holds a comma.
pub(super) fn member_bits(members: &[Vec<u8>], text: &[u8], charset: Option<&str>) -> Option<u64> {
    let comma = &*member_bytes(",", charset)?;
    let mut bits = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let end =
            rest.chunks(comma.len()).position(|unit| unit == comma).map_or(rest.len(), |index| index * comma.len());
        let (member, after) = rest.split_at_checked(end)?;
        bits |= 1u64.checked_shl(members.iter().position(|other| other == member)? as u32)?;
        rest = after.get(comma.len()..).unwrap_or_default();
    }
    Some(bits)
}
