//! Values that a dump writes otherwise than the binary log has them, in one form that both can be brought to.

use backtrail_binlog::json::Document;

/// A FLOAT as a server prints it, which is what a dump holds of it: six significant digits, or the column's decimals. Two
/// numbers that print alike are one here.
pub(crate) fn printed_float(number: f32, decimals: Option<u8>) -> Option<f64> {
    let number = f64::from(number);
    let text = match decimals {
        Some(decimals) => format!("{number:.*}", usize::from(decimals)),
        None => format!("{number:.5e}"),
    };
    text.parse().ok()
}

/// A FLOAT out of the text of a dump, or of a literal of ours, which has all its digits.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the column holds a FLOAT, to which the server rounds the text too"
)]
pub(crate) fn float_of_text(text: &[u8]) -> Option<f32> {
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let number = number as f32;
    number.is_finite().then_some(number)
}

/// A JSON value as text in which equal values are equal: members in the server's order, numbers that are doubles in one
/// form. A DECIMAL counts as the double that its text loads as.
pub(crate) fn json(text: &str) -> Result<String, String> {
    let mut document = Document::from_text(text).map_err(|problem| problem.to_string())?;
    numbers(&mut document);
    Ok(document.to_text())
}

fn numbers(document: &mut Document) {
    match document {
        Document::Scalar(text) => {
            let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
            if is_number
                && text.contains(['.', 'e', 'E'])
                && let Ok(number) = text.parse::<f64>()
            {
                *text = format!("{number:e}");
            }
        }
        Document::Array(values) => values.iter_mut().for_each(numbers),
        Document::Object(members) => members.iter_mut().for_each(|(_, value)| numbers(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_as_servers_print_them() {
        // What MariaDB 10.11 and MySQL 9.7 print for these.
        for (number, decimals, printed) in [
            (16_777_217.0, None, 16_777_200.0),
            (1_234_565.0, None, 1_234_560.0),
            (1_234_575.0, None, 1_234_580.0),
            (123_456.5, None, 123_456.0),
            (0.1, None, 0.1),
            (-0.112_183_76, None, -0.112_184),
            (f32::MAX, None, 3.402_82e38),
            (1.4e-45, None, 1.401_3e-45),
            (-0.112_183_76, Some(2), -0.11),
            (-260_872_820_000_000.0, Some(2), -260_872_823_898_112.0),
        ] {
            assert_eq!(printed_float(number, decimals), Some(printed), "{number}");
            let again = float_of_text(format!("{printed:e}").as_bytes()).unwrap();
            assert_eq!(printed_float(again, decimals), Some(printed), "{number}");
        }
        assert_eq!(printed_float(-0.0, None).map(f64::to_bits), Some((-0.0_f64).to_bits()));
        assert_eq!(float_of_text(b"1e39"), None);
        assert_eq!(float_of_text(b"x"), None);
    }

    #[test]
    fn json_in_one_form() {
        let check = |text: &str, expected: &str| assert_eq!(json(text).unwrap(), expected, "{text}");
        check(r#"{"bb":1.50,"a":[1e300,1E+300, -0.0]}"#, r#"{"a": [1e300, 1e300, -0e0], "bb": 1.5e0}"#);
        check("18446744073709551615", "18446744073709551615");
        check("1.0", "1e0");
        check("1", "1");
        check(r#""1.50e""#, r#""1.50e""#);
        check("1000000000000000.0", "1e15");
        check("1e15", "1e15");
        assert!(json("{").is_err());
    }
}
