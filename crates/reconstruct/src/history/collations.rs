//! Collations that the log has by their numbers, and the ones that MariaDB gives to character sets that a statement names
//! without a collation: since 11.2 each session can have its own (`character_set_collations`).

/// A collation by its number. Only those are here by which printable ASCII texts are equal if they differ in nothing but
/// case, and blanks at the end do not count: what a column has of which nothing is said is taken to be one of them.
const FOLDING: [(u16, &str); 21] = [
    (5, "latin1_german1_ci"),
    (8, "latin1_swedish_ci"),
    (11, "ascii_general_ci"),
    (33, "utf8_general_ci"),
    (35, "ucs2_general_ci"),
    (45, "utf8mb4_general_ci"),
    (48, "latin1_general_ci"),
    (54, "utf16_general_ci"),
    (60, "utf32_general_ci"),
    (101, "utf16_unicode_ci"),
    (128, "ucs2_unicode_ci"),
    (160, "utf32_unicode_ci"),
    (192, "utf8_unicode_ci"),
    (224, "utf8mb4_unicode_ci"),
    (2048, "utf8mb3_uca1400_ai_ci"),
    (2050, "utf8mb3_uca1400_as_ci"),
    (2304, "utf8mb4_uca1400_ai_ci"),
    (2306, "utf8mb4_uca1400_as_ci"),
    (2560, "ucs2_uca1400_ai_ci"),
    (2816, "utf16_uca1400_ai_ci"),
    (3072, "utf32_uca1400_ai_ci"),
];
const OTHERS: [(u16, &str); 5] =
    [(31, "latin1_german2_ci"), (46, "utf8mb4_bin"), (47, "latin1_bin"), (83, "utf8_bin"), (255, "utf8mb4_0900_ai_ci")];

/// A collation's name, where it is one of the common ones.
pub(crate) fn name_of(collation: u16) -> Option<&'static str> {
    FOLDING.iter().chain(&OTHERS).find(|(number, _)| *number == collation).map(|(_, name)| *name)
}

/// `character_set_collations` as a text to set, of pairs of a character set (by one of its collations) and a collation.
///
/// # Errors
/// The number of a collation with which a table could not be followed.
pub(crate) fn setting(pairs: impl Iterator<Item = (u16, u16)>) -> Result<String, u16> {
    let mut text = String::new();
    for (_, collation) in pairs {
        let (_, name) = FOLDING.iter().find(|(number, _)| *number == collation).ok_or(collation)?;
        // The servers that know the setting call it by its whole name.
        let name = name.strip_prefix("utf8_").map_or_else(|| (*name).to_owned(), |rest| format!("utf8mb3_{rest}"));
        let charset = name.split('_').next().unwrap_or_default();
        let comma = if text.is_empty() { "" } else { "," };
        text.push_str(&format!("{comma}{charset}={name}"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings() {
        let set = |pairs: &[(u16, u16)]| setting(pairs.iter().copied());
        assert_eq!(set(&[]), Ok(String::new()));
        assert_eq!(set(&[(33, 192), (45, 2304)]).unwrap(), "utf8mb3=utf8mb3_unicode_ci,utf8mb4=utf8mb4_uca1400_ai_ci");
        assert_eq!(set(&[(45, 2304), (8, 47)]), Err(47));
        assert_eq!((name_of(47), name_of(2304), name_of(7)), (Some("latin1_bin"), Some("utf8mb4_uca1400_ai_ci"), None));
    }
}
