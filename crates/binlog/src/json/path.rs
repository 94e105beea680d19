//! Paths in partial updates: `$.name[3]."other name"`.

use super::JsonError;

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Member(String),
    Cell(usize),
}

pub(super) fn parse(path: &str) -> Result<Vec<Step>, JsonError> {
    let bad = |problem| JsonError::Diff { path: path.to_owned(), problem };
    let mut rest = path.strip_prefix('$').ok_or_else(|| bad("a path begins with `$`"))?;
    let mut steps = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(steps);
        }
        if let Some(cell) = rest.strip_prefix('[') {
            let (number, after) = cell.split_once(']').ok_or_else(|| bad("`[` without `]`"))?;
            steps.push(Step::Cell(number.trim().parse().map_err(|_| bad("an array index that is no number"))?));
            rest = after;
        } else if let Some(member) = rest.strip_prefix('.') {
            let member = member.trim_start();
            if member.starts_with('"') {
                let length = quoted_length(member).ok_or_else(|| bad("a name without its closing quote"))?;
                let (name, after) = member.split_at(length);
                steps
                    .push(Step::Member(super::document::unquote(name).ok_or_else(|| bad("a name that is no string"))?));
                rest = after;
            } else {
                let length = member.find(['.', '[', ' ']).unwrap_or(member.len());
                let (name, after) = member.split_at(length);
                if name.is_empty() {
                    return Err(bad("an empty name"));
                }
                steps.push(Step::Member(name.to_owned()));
                rest = after;
            }
        } else {
            return Err(bad("neither `.` nor `[`"));
        }
    }
}

/// Length of the quoted string at the front, quotes included.
fn quoted_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let member = |name: &str| Step::Member(name.to_owned());
        assert_eq!(parse("$").unwrap(), []);
        assert_eq!(parse("$.a[3].b").unwrap(), [member("a"), Step::Cell(3), member("b")]);
        assert_eq!(parse(r#"$."a.b[\"]"[0]"#).unwrap(), [member("a.b[\"]"), Step::Cell(0)]);
        assert_eq!(parse(r#"$."""#).unwrap(), [member("")]);
        for bad in ["", "a", "$a", "$.", "$[", "$[x]", "$.\"a", "$[-1]"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
