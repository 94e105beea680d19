//! One statement behind another: where values come from over both.

use std::mem::discriminant;

use super::{AddedValue, ColumnOrigin, Evolution, Unfaithful, ValueChange};
use crate::ColumnType;
use crate::charset::{Charset, transcode};
use crate::shape::Column;

/// The step from a column in the middle to one at the end.
struct Step<'c> {
    middle: &'c Column,
    end: &'c Column,
    change: ValueChange,
}

impl Evolution {
    /// This statement and then `next`, which begins with this one's table: the outcome of both from the table before this
    /// one.
    ///
    /// # Errors
    /// A column for which the two steps do not make one: what was rounded is changed again, or a literal would be taken
    /// for something else two types later.
    pub fn then(&self, next: &Self) -> Result<Self, Unfaithful> {
        let columns = next
            .columns
            .iter()
            .zip(&next.shape.columns)
            .map(|(origin, end)| {
                let refused = |reason| Unfaithful::column(&end.name, reason);
                match origin {
                    ColumnOrigin::Added(value) => Ok(ColumnOrigin::Added(value.clone())),
                    ColumnOrigin::Kept { from, change, null_becomes, numbered } => {
                        let unknown = || refused("the statements do not follow each other");
                        let first = self.columns.get(*from).ok_or_else(unknown)?;
                        let middle = self.shape.columns.get(*from).ok_or_else(unknown)?;
                        let step = Step { middle, end, change: *change };
                        step.behind(first, null_becomes.as_ref(), *numbered).map_err(refused)
                    }
                }
            })
            .collect::<Result<_, _>>()?;
        let renamed_columns = self.renamed_over(next);
        Ok(Self { shape: next.shape.clone(), columns, renamed_columns })
    }

    fn renamed_over(&self, next: &Self) -> Vec<(String, String)> {
        let second = |name: &String| next.renamed_columns.iter().find(|(from, _)| from == name).map(|(_, to)| to);
        let through = self.renamed_columns.iter().map(|(from, to)| (from.clone(), second(to).unwrap_or(to).clone()));
        let first = |name: &String| self.renamed_columns.iter().any(|(_, to)| to == name);
        let only_second = next.renamed_columns.iter().filter(|(from, _)| !first(from)).cloned();
        let there = |name: &String| next.shape.columns.iter().any(|column| column.name == *name);
        through.chain(only_second).filter(|(from, to)| from != to && there(to)).collect()
    }
}

impl Step<'_> {
    fn behind(
        &self,
        first: &ColumnOrigin,
        null_becomes: Option<&AddedValue>,
        numbered: bool,
    ) -> Result<ColumnOrigin, &'static str> {
        match first {
            ColumnOrigin::Added(value) => self.carry(value, null_becomes, numbered).map(ColumnOrigin::Added),
            ColumnOrigin::Kept { from, change, null_becomes: earlier, numbered: before } => {
                let null_becomes = match earlier {
                    Some(value) => Some(self.carry(value, null_becomes, numbered)?),
                    None => null_becomes.cloned(),
                };
                Ok(ColumnOrigin::Kept {
                    from: *from,
                    change: self.after(*change)?,
                    null_becomes,
                    numbered: *before || numbered,
                })
            }
        }
    }

    /// Whether nothing happens to the column's values.
    fn is_nothing(&self) -> bool {
        self.change == ValueChange::Same
            && self.middle.ty == self.end.ty
            && self.middle.charset == self.end.charset
            && self.middle.decimals == self.end.decimals
            && self.middle.zerofill == self.end.zerofill
    }

    /// Whether both types take a literal of another form for the same value.
    fn same_family(&self) -> bool {
        let family = |ty: &ColumnType| match ty {
            ColumnType::TinyInt { .. }
            | ColumnType::SmallInt { .. }
            | ColumnType::MediumInt { .. }
            | ColumnType::Int { .. }
            | ColumnType::BigInt { .. }
            | ColumnType::Decimal { .. }
            | ColumnType::Float { .. }
            | ColumnType::Double { .. } => 1,
            ColumnType::Date | ColumnType::DateTime { .. } => 2,
            ColumnType::Char { .. }
            | ColumnType::VarChar { .. }
            | ColumnType::TinyText
            | ColumnType::Text
            | ColumnType::MediumText
            | ColumnType::LongText => 3,
            _ => 0,
        };
        let (middle, end) = (family(&self.middle.ty), family(&self.end.ty));
        discriminant(&self.middle.ty) == discriminant(&self.end.ty) || (middle != 0 && middle == end)
    }

    fn after(&self, first: ValueChange) -> Result<ValueChange, &'static str> {
        use ValueChange::{Equal, Rounded, Same, Transcoded};
        if self.is_nothing() {
            return Ok(first);
        }
        match (first, self.change) {
            (Same, second) => Ok(second),
            (Rounded, _) => Err("its values were made to fit by one statement and changed by another"),
            (Equal, Same | Equal) if self.same_family() => Ok(Equal),
            (Equal, Rounded) if self.same_family() => Ok(Rounded),
            (Equal, _) => Err("two statements change how its values are written"),
            (Transcoded { .. }, Same) => Ok(first),
            (Transcoded { from, to: middle }, Transcoded { to, .. }) if holds_all_of(middle, from) => {
                Ok(if from == to { Same } else { Transcoded { from, to } })
            }
            (Transcoded { .. }, _) => Err("two statements change its character set and how its values are written"),
        }
    }

    /// A value that the first statement has written.
    fn carry(
        &self,
        value: &AddedValue,
        null_becomes: Option<&AddedValue>,
        numbered: bool,
    ) -> Result<AddedValue, &'static str> {
        match value {
            AddedValue::Null if numbered => Err("its rows were numbered by the server"),
            AddedValue::Null => Ok(null_becomes.unwrap_or(value).clone()),
            AddedValue::Literal(literal) if numbered && literal == b"0" => Err("its rows were numbered by the server"),
            _ if self.is_nothing() => Ok(value.clone()),
            AddedValue::Literal(literal) => match self.change {
                ValueChange::Same if !matches!(self.middle.ty, ColumnType::Enum { .. }) || literal != b"0" => {
                    Ok(value.clone())
                }
                ValueChange::Equal => {
                    super::added::again(self.end, literal).ok_or("its default cannot be written as its new type")
                }
                ValueChange::Transcoded { from, to } => {
                    let text = super::added::unquoted(literal).ok_or("its default is no text")?;
                    let text =
                        transcode(from, to, &text).map_err(|_| "its default is lost in another character set")?;
                    Ok(AddedValue::Literal(super::added::quoted(&text)))
                }
                _ => Err("its default was made to fit by another statement"),
            },
            AddedValue::StatementTime { .. } | AddedValue::SessionTimestamp(_)
                if self.change == ValueChange::Equal && self.same_family() =>
            {
                Ok(value.clone())
            }
            _ => Err("its values, from the time of one statement, are changed by another"),
        }
    }
}

/// Whether every text of one character set can be written in another.
fn holds_all_of(larger: Charset, smaller: Charset) -> bool {
    match larger {
        Charset::Utf8mb4 | Charset::Utf16 | Charset::Utf16le | Charset::Utf32 => true,
        Charset::Utf8mb3 | Charset::Ucs2 => {
            matches!(smaller, Charset::Ascii | Charset::Latin1 | Charset::Utf8mb3 | Charset::Ucs2)
        }
        Charset::Latin1 => matches!(smaller, Charset::Ascii | Charset::Latin1),
        Charset::Ascii => smaller == Charset::Ascii,
    }
}
