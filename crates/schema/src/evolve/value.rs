//! What becomes of a column's values when its definition changes: one decision for each pair of types, and "no" where none
//! was made.
//!
//! In strict mode an ALTER that succeeded has met no value that did not fit, so a narrower type loses nothing. Without it,
//! values were made to fit, and the loading server makes them fit in the same way ([`ValueChange::Rounded`]).

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use super::{AddedValue, ColumnOrigin, DdlContext, SqlMode, StatementTimeKind, ValueChange, added};
use crate::charset::{Charset, character_bytes};
use crate::shape::Column;
use crate::{ColumnType, Flavour, GeometryKind};

/// The origin of a column that comes of `old`.
pub(super) fn kept(
    from: usize,
    old: &Column,
    new: &Column,
    ignore: bool,
    context: &DdlContext<'_>,
) -> Result<ColumnOrigin, String> {
    if old.generated.is_some() {
        return Err("it was computed, and a dump does not hold what it was".to_owned());
    }
    let strict = context.is_strict() && !ignore;
    let change = Pair { old, new, strict, context }.change()?;
    let keeps_zero = context.has(SqlMode::NO_AUTO_VALUE_ON_ZERO) && !old.nullable;
    let numbered = new.auto_increment && !old.auto_increment && !keeps_zero;
    let mut null_becomes = None;
    if old.nullable && !new.nullable && !numbered {
        let is_time = matches!(new.ty, ColumnType::Timestamp { .. });
        if (is_time || !strict) && context.dialect.flavour == Flavour::Mariadb && has_other_default(old, context) {
            // InnoDB puts it there when it changes the table in place, which the log does not tell.
            return Err("its NULLs became its old default or a zero, which the log does not tell".to_owned());
        }
        if let ColumnType::Timestamp { fsp } = new.ty {
            // Where NULL had been refused, there was none.
            null_becomes = Some(AddedValue::StatementTime { fsp, kind: StatementTimeKind::Timestamp });
        } else if !strict {
            null_becomes = Some(added::zero(new)?);
        }
    }
    Ok(ColumnOrigin::Kept { from, change, null_becomes, numbered })
}

/// Whether a column has a default that is neither NULL nor the zero of its type.
fn has_other_default(column: &Column, context: &DdlContext<'_>) -> bool {
    let is_null = |text: &String| text.trim().eq_ignore_ascii_case("NULL");
    column.default.as_ref().is_some_and(|text| !is_null(text))
        && match (added::value(column, context), added::zero(column)) {
            (Ok(default), Ok(zero)) => default != zero,
            _ => true,
        }
}

/// A column before and behind a statement.
struct Pair<'c> {
    old: &'c Column,
    new: &'c Column,
    strict: bool,
    context: &'c DdlContext<'c>,
}

/// How much a column of text or bytes holds.
#[derive(Clone, Copy)]
enum Capacity {
    Characters(u64),
    Bytes(u64),
}

impl Pair<'_> {
    /// Nothing is lost in strict mode, where the ALTER would have failed; else what does not fit is made to.
    fn if_it_fits(&self, fits: bool) -> ValueChange {
        if fits || self.strict { ValueChange::Same } else { ValueChange::Rounded }
    }

    /// As [`Self::if_it_fits`], where the value's text is another one.
    fn equal_if_it_fits(&self, fits: bool) -> ValueChange {
        if fits || self.strict { ValueChange::Equal } else { ValueChange::Rounded }
    }

    fn refused(&self) -> String {
        format!("{} to {} has no exact map of values", name(&self.old.ty), name(&self.new.ty))
    }

    fn change(&self) -> Result<ValueChange, String> {
        use ColumnType as T;
        let mariadb = self.context.dialect.flavour == Flavour::Mariadb;
        match (&self.old.ty, &self.new.ty) {
            (old, new) if integer_range(old).is_some() => self.integer(new),
            (T::Decimal { precision, scale, .. }, new) => self.decimal(*precision, *scale, new),
            (T::Float { .. } | T::Double { .. }, new) => self.float(new),
            (T::Bit { bits: old }, T::Bit { bits: new }) if old <= new || self.strict => Ok(ValueChange::Same),
            (T::Year, T::Year) | (T::Json, T::Json) => Ok(ValueChange::Same),
            (T::Year, new) if integer_range(new).is_some() => {
                Ok(self.equal_if_it_fits(integer_range(new).is_some_and(|(_, most)| most >= 2155)))
            }
            (T::Date, T::Date) => Ok(ValueChange::Same),
            (T::Date, T::DateTime { .. }) => Ok(ValueChange::Equal),
            (T::DateTime { fsp: 0 }, T::Date) => Ok(ValueChange::Rounded),
            (T::Time { fsp: old }, T::Time { fsp: new })
            | (T::DateTime { fsp: old }, T::DateTime { fsp: new })
            | (T::Timestamp { fsp: old }, T::Timestamp { fsp: new }) => self.fraction(*old, *new),
            (T::Date, _) => self.characters(10),
            (T::Time { fsp }, _) => self.characters(10 + fraction_length(*fsp)),
            (T::DateTime { fsp }, _) => self.characters(19 + fraction_length(*fsp)),
            (T::Uuid, T::Uuid) | (T::Inet4, T::Inet4) | (T::Inet6, T::Inet6) => Ok(ValueChange::Same),
            (T::Geometry { kind: old }, T::Geometry { kind: new }) => {
                if old == new || *new == GeometryKind::Geometry || self.strict {
                    Ok(ValueChange::Same)
                } else {
                    Err(self.refused())
                }
            }
            (T::Vector { dimensions: old }, T::Vector { dimensions: new }) => {
                if old == new || (!mariadb && (old < new || self.strict)) {
                    Ok(ValueChange::Same)
                } else {
                    Err(self.refused())
                }
            }
            (T::Enum { values: old }, T::Enum { values: new }) | (T::Set { values: old }, T::Set { values: new }) => {
                self.members(old, new)
            }
            (T::Enum { values } | T::Set { values }, new) if is_string(new) => self.member_text(values),
            (old, T::Enum { values } | T::Set { values }) if is_string(old) => {
                if self.old.charset.is_none() || self.old.charset != self.new.charset || narrowest(self.new) != Some(1)
                {
                    return Err(self.refused());
                }
                unique_members(values)?;
                Ok(ValueChange::Rounded)
            }
            (old, new) if is_string(old) && is_string(new) => self.text(),
            (old, new) if is_bytes(old) && is_bytes(new) => Ok(self.bytes()),
            (old, new) if is_string(old) && is_bytes(new) => self.text_to_bytes(),
            (old, new) if is_bytes(old) && is_string(new) => self.bytes_to_text(),
            _ => Err(self.refused()),
        }
    }

    fn integer(&self, new: &ColumnType) -> Result<ValueChange, String> {
        let (least, most) = integer_range(&self.old.ty).ok_or_else(|| self.refused())?;
        if let Some((new_least, new_most)) = integer_range(new) {
            let fits = new_least <= least && most <= new_most;
            let same_text = self.old.zerofill == self.new.zerofill && !self.new.zerofill;
            return Ok(if same_text { self.if_it_fits(fits) } else { self.equal_if_it_fits(fits) });
        }
        match new {
            ColumnType::Decimal { precision, scale, unsigned } => {
                let digits = most.max(-least).to_string().len();
                let fits = digits <= usize::from(precision - scale) && (!unsigned || least >= 0);
                let same_text = *scale == 0 && !self.old.zerofill && !self.new.zerofill;
                Ok(if same_text { self.if_it_fits(fits) } else { self.equal_if_it_fits(fits) })
            }
            ColumnType::Float { unsigned } | ColumnType::Double { unsigned } if self.new.decimals.is_none() => {
                let exact = if matches!(new, ColumnType::Float { .. }) { 1 << 24 } else { 1 << 53 };
                if *unsigned && least < 0 && !self.strict {
                    return Err(self.refused());
                }
                Ok(if most.max(-least) <= exact { ValueChange::Equal } else { ValueChange::Rounded })
            }
            _ => {
                let length = most.to_string().len().max(least.to_string().len());
                self.digits(length)
            }
        }
    }

    fn decimal(&self, precision: u8, scale: u8, new: &ColumnType) -> Result<ValueChange, String> {
        let whole = usize::from(precision.saturating_sub(scale));
        let signed = !matches!(self.old.ty, ColumnType::Decimal { unsigned: true, .. });
        match new {
            ColumnType::Decimal { precision: new_precision, scale: new_scale, unsigned } => {
                let fits = whole <= usize::from(new_precision - new_scale) && !(signed && *unsigned);
                Ok(match (*new_scale).cmp(&scale) {
                    Ordering::Less => ValueChange::Rounded,
                    Ordering::Equal if self.old.zerofill == self.new.zerofill && !self.new.zerofill => {
                        self.if_it_fits(fits)
                    }
                    _ => self.equal_if_it_fits(fits),
                })
            }
            ColumnType::Double { .. } | ColumnType::Float { .. } if self.new.decimals.is_none() => {
                Ok(ValueChange::Rounded)
            }
            // MySQL cuts at the signed maximum where it makes values fit.
            ColumnType::BigInt { unsigned: true } if !self.strict && whole > 18 => Err(self.refused()),
            new if integer_range(new).is_some() => Ok(ValueChange::Rounded),
            _ => self.digits(usize::from(precision) + 1 + usize::from(scale > 0) + usize::from(whole == 0)),
        }
    }

    fn float(&self, new: &ColumnType) -> Result<ValueChange, String> {
        use ColumnType::{Double, Float};
        let signed = |ty: &ColumnType| matches!(ty, Float { unsigned: false } | Double { unsigned: false });
        let rounded = match (self.old.decimals, self.new.decimals) {
            (old, new) if old == new => false,
            (_, None) => false,
            (_, Some(_)) => true,
        };
        let narrower = signed(&self.old.ty) && !signed(new);
        match (&self.old.ty, new) {
            // The text of a FLOAT is shorter than the DOUBLE it becomes.
            (Float { .. }, Float { .. }) | (Double { .. }, Double { .. }) if rounded => Ok(ValueChange::Rounded),
            (Float { .. }, Float { .. }) | (Double { .. }, Double { .. }) => {
                let same_text = self.old.decimals == self.new.decimals;
                Ok(if same_text { self.if_it_fits(!narrower) } else { self.equal_if_it_fits(!narrower) })
            }
            (Double { .. }, Float { .. }) => Ok(ValueChange::Rounded),
            _ => Err(self.refused()),
        }
    }

    /// A fraction of a second that gets longer or shorter.
    fn fraction(&self, old: u8, new: u8) -> Result<ValueChange, String> {
        if old <= new {
            return Ok(if old == new { ValueChange::Same } else { ValueChange::Equal });
        }
        let unusual = match self.context.dialect.flavour {
            Flavour::Mysql => SqlMode::BIT_32,
            Flavour::Mariadb => SqlMode::TIME_ROUND_FRACTIONAL,
        };
        if self.context.may_have(unusual) {
            return Err("whether the fraction of a second is rounded or cut off depends on the SQL mode".to_owned());
        }
        Ok(ValueChange::Rounded)
    }

    /// A number of at most so many digits becomes text.
    fn digits(&self, length: usize) -> Result<ValueChange, String> {
        if self.old.zerofill {
            return Err("a number with ZEROFILL has other text than its literal".to_owned());
        }
        let change = self.characters(length)?;
        // A number's literal is no text's.
        Ok(if change == ValueChange::Same { ValueChange::Equal } else { change })
    }

    /// A value of at most so many plain characters becomes text.
    fn characters(&self, length: usize) -> Result<ValueChange, String> {
        let new = &self.new.ty;
        if matches!(new, ColumnType::Binary { .. }) || !(is_string(new) || is_bytes(new)) {
            return Err(self.refused());
        }
        if is_string(new) && narrowest(self.new) != Some(1) {
            return Err("its character set has no single bytes".to_owned());
        }
        let fits = match capacity(new) {
            Some(Capacity::Characters(most) | Capacity::Bytes(most)) => length as u64 <= most,
            None => false,
        };
        Ok(self.if_it_fits(fits))
    }

    /// The members of an ENUM or SET, which values are known by.
    fn members(&self, old: &[String], new: &[String]) -> Result<ValueChange, String> {
        unique_members(old)?;
        unique_members(new)?;
        let transcoded = self.transcoded()?;
        // A SET's members come in the order of its definition.
        let same_text = !matches!(self.old.ty, ColumnType::Set { .. }) || in_order(old, new);
        let now: HashSet<&String> = new.iter().collect();
        let gone: Vec<&String> = old.iter().filter(|member| !now.contains(member)).collect();
        if let Some(transcoded) = transcoded {
            return if gone.is_empty() && same_text {
                Ok(transcoded)
            } else {
                Err("its members change together with its character set".to_owned())
            };
        }
        if gone.is_empty() {
            return Ok(if same_text { ValueChange::Same } else { ValueChange::Equal });
        }
        // A server finds another member for one that is gone where a collation takes them for the same, and takes a
        // number for a member's.
        let plain = |member: &&String| {
            member.is_ascii()
                && !member.starts_with(|c: char| c.is_ascii_digit() || c.is_ascii_whitespace() || "+-.".contains(c))
        };
        let lower: HashSet<String> = new.iter().map(|member| member.to_lowercase()).collect();
        let alike = gone.iter().any(|member| lower.contains(&member.to_lowercase()));
        let exact = self.strict && !alike && gone.iter().all(plain) && new.iter().all(|member| member.is_ascii());
        Ok(match (exact, same_text) {
            (true, true) => ValueChange::Same,
            (true, false) => ValueChange::Equal,
            (false, _) => ValueChange::Rounded,
        })
    }

    /// The labels of an ENUM or SET as text.
    fn member_text(&self, values: &[String]) -> Result<ValueChange, String> {
        if self.old.charset != self.new.charset || self.old.charset.is_none() || narrowest(self.new) != Some(1) {
            return Err(self.refused());
        }
        let length = |member: &String| member.chars().count() as u64;
        let longest = match self.old.ty {
            ColumnType::Set { .. } => values.iter().map(|member| length(member) + 1).sum::<u64>().saturating_sub(1),
            _ => values.iter().map(length).max().unwrap_or(0),
        };
        let widest = self.new.charset.as_deref().and_then(character_bytes).map_or(4, |(widest, _)| u64::from(widest));
        let fits = match capacity(&self.new.ty) {
            Some(Capacity::Characters(most)) => longest <= most,
            Some(Capacity::Bytes(most)) => longest * widest <= most,
            None => false,
        };
        // A CHAR loses trailing spaces, which members do not have.
        Ok(self.if_it_fits(fits))
    }

    /// The conversion between the columns' character sets; None where it is the same one.
    fn transcoded(&self) -> Result<Option<ValueChange>, String> {
        let (old, new) = (self.old.charset.as_deref(), self.new.charset.as_deref());
        if old == new {
            return Ok(None);
        }
        let unknown = || "its character set, before or behind the statement, is not known".to_owned();
        let (old, new) = (old.ok_or_else(unknown)?, new.ok_or_else(unknown)?);
        match (Charset::from_name(old), Charset::from_name(new)) {
            (Some(from), Some(to)) => Ok(Some(ValueChange::Transcoded { from, to })),
            _ => Err(format!("text cannot be converted from {old} to {new} here")),
        }
    }

    fn text(&self) -> Result<ValueChange, String> {
        let transcoded = self.transcoded()?;
        let was_char = matches!(self.old.ty, ColumnType::Char { .. });
        let is_char = matches!(self.new.ty, ColumnType::Char { .. });
        if was_char && !is_char && self.context.has(SqlMode::PAD_CHAR_TO_FULL_LENGTH) {
            return Err("the session's SQL mode pads CHAR values with spaces".to_owned());
        }
        let fits = self.text_fits();
        // In strict mode too, spaces at the end are cut off; CHAR values have none.
        let spaces = !was_char && (is_char || !fits);
        if let Some(transcoded) = transcoded {
            return if (fits || self.strict) && !spaces {
                Ok(transcoded)
            } else {
                Err("its character set changes, and longer text is cut".to_owned())
            };
        }
        Ok(if spaces { ValueChange::Rounded } else { self.if_it_fits(fits) })
    }

    /// Whether the longest text of the old column fits the new one.
    fn text_fits(&self) -> bool {
        let width = |column: &Column| {
            let (widest, narrowest) = column.charset.as_deref().and_then(character_bytes).unwrap_or((4, 1));
            (u64::from(widest), u64::from(narrowest))
        };
        let ((old_widest, old_narrowest), (new_widest, _)) = (width(self.old), width(self.new));
        let (Some(old), Some(new)) = (capacity(&self.old.ty), capacity(&self.new.ty)) else { return false };
        let characters = match old {
            Capacity::Characters(most) => most,
            Capacity::Bytes(most) => most / old_narrowest,
        };
        match (old, new) {
            (_, Capacity::Characters(most)) => characters <= most,
            (Capacity::Bytes(bytes), Capacity::Bytes(most)) if self.old.charset == self.new.charset => bytes <= most,
            (Capacity::Characters(_), Capacity::Bytes(most)) if self.old.charset == self.new.charset => {
                characters * old_widest <= most
            }
            (_, Capacity::Bytes(most)) => characters * new_widest <= most,
        }
    }

    fn bytes(&self) -> ValueChange {
        let fits = match (capacity(&self.old.ty), capacity(&self.new.ty)) {
            (Some(Capacity::Bytes(old)), Some(Capacity::Bytes(new))) => old <= new,
            _ => false,
        };
        match (&self.old.ty, &self.new.ty) {
            (ColumnType::Binary { length: old }, ColumnType::Binary { length: new }) => match old.cmp(new) {
                Ordering::Less => ValueChange::Equal,
                Ordering::Equal => ValueChange::Same,
                Ordering::Greater => ValueChange::Rounded,
            },
            (ColumnType::Binary { .. }, _) => self.if_it_fits(fits),
            // Shorter values get zeros at their end.
            (_, ColumnType::Binary { .. }) => ValueChange::Rounded,
            _ => self.if_it_fits(fits),
        }
    }

    fn text_to_bytes(&self) -> Result<ValueChange, String> {
        let charset = self.old.charset.as_deref().and_then(character_bytes);
        let (widest, _) = charset.ok_or("its character set is not known")?;
        if matches!(self.new.ty, ColumnType::Binary { .. }) {
            return Err(self.refused());
        }
        if matches!(self.old.ty, ColumnType::Char { .. }) && self.context.has(SqlMode::PAD_CHAR_TO_FULL_LENGTH) {
            return Err("the session's SQL mode pads CHAR values with spaces".to_owned());
        }
        let fits = match (capacity(&self.old.ty), capacity(&self.new.ty)) {
            (Some(Capacity::Characters(old)), Some(Capacity::Bytes(new))) => old * u64::from(widest) <= new,
            (Some(Capacity::Bytes(old)), Some(Capacity::Bytes(new))) => old <= new,
            _ => false,
        };
        Ok(self.if_it_fits(fits))
    }

    fn bytes_to_text(&self) -> Result<ValueChange, String> {
        if matches!(self.old.ty, ColumnType::Binary { .. }) || narrowest(self.new) != Some(1) {
            return Err(self.refused());
        }
        let fits = match (capacity(&self.old.ty), capacity(&self.new.ty)) {
            (Some(Capacity::Bytes(old)), Some(Capacity::Characters(new) | Capacity::Bytes(new))) => old <= new,
            _ => false,
        };
        let is_char = matches!(self.new.ty, ColumnType::Char { .. });
        Ok(if self.strict && fits && !is_char { ValueChange::Same } else { ValueChange::Rounded })
    }
}

/// Values that are known by their labels need labels that differ.
fn unique_members(members: &[String]) -> Result<(), String> {
    let mut seen = HashSet::new();
    match members.iter().find(|member| !seen.insert(*member)) {
        Some(twice) => Err(format!("it has the member '{twice}' twice")),
        None => Ok(()),
    }
}

/// Whether the members that both have follow each other in the same order.
fn in_order(old: &[String], new: &[String]) -> bool {
    let places: HashMap<&String, usize> = new.iter().enumerate().map(|(place, member)| (member, place)).collect();
    old.iter().filter_map(|member| places.get(member)).is_sorted()
}

fn fraction_length(fsp: u8) -> usize {
    if fsp == 0 { 0 } else { usize::from(fsp) + 1 }
}

/// The least and the greatest value of an integer type.
pub(super) fn integer_range(ty: &ColumnType) -> Option<(i128, i128)> {
    let (bits, unsigned) = match ty {
        ColumnType::TinyInt { unsigned } => (8, *unsigned),
        ColumnType::SmallInt { unsigned } => (16, *unsigned),
        ColumnType::MediumInt { unsigned } => (24, *unsigned),
        ColumnType::Int { unsigned } => (32, *unsigned),
        ColumnType::BigInt { unsigned } => (64, *unsigned),
        _ => return None,
    };
    Some(if unsigned { (0, (1_i128 << bits) - 1) } else { (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1) })
}

/// CHAR, VARCHAR and the TEXTs.
fn is_string(ty: &ColumnType) -> bool {
    ty.is_text() && !matches!(ty, ColumnType::Enum { .. } | ColumnType::Set { .. })
}

/// BINARY, VARBINARY and the BLOBs.
fn is_bytes(ty: &ColumnType) -> bool {
    matches!(
        ty,
        ColumnType::Binary { .. }
            | ColumnType::VarBinary { .. }
            | ColumnType::TinyBlob
            | ColumnType::Blob
            | ColumnType::MediumBlob
            | ColumnType::LongBlob
    )
}

pub(super) fn narrowest(column: &Column) -> Option<u32> {
    column.charset.as_deref().and_then(character_bytes).map(|(_, narrowest)| narrowest)
}

fn capacity(ty: &ColumnType) -> Option<Capacity> {
    use ColumnType as T;
    Some(match ty {
        T::Char { length } | T::VarChar { length } => Capacity::Characters(u64::from(*length)),
        T::Binary { length } | T::VarBinary { length } => Capacity::Bytes(u64::from(*length)),
        T::TinyText | T::TinyBlob => Capacity::Bytes(0xff),
        T::Text | T::Blob => Capacity::Bytes(0xffff),
        T::MediumText | T::MediumBlob => Capacity::Bytes(0xff_ffff),
        T::LongText | T::LongBlob => Capacity::Bytes(0xffff_ffff),
        _ => return None,
    })
}

/// A type's name for a message.
fn name(ty: &ColumnType) -> &'static str {
    use ColumnType as T;
    match ty {
        T::TinyInt { .. } => "TINYINT",
        T::SmallInt { .. } => "SMALLINT",
        T::MediumInt { .. } => "MEDIUMINT",
        T::Int { .. } => "INT",
        T::BigInt { .. } => "BIGINT",
        T::Decimal { .. } => "DECIMAL",
        T::Float { .. } => "FLOAT",
        T::Double { .. } => "DOUBLE",
        T::Bit { .. } => "BIT",
        T::Date => "DATE",
        T::Time { .. } => "TIME",
        T::DateTime { .. } => "DATETIME",
        T::Timestamp { .. } => "TIMESTAMP",
        T::Year => "YEAR",
        T::Char { .. } => "CHAR",
        T::VarChar { .. } => "VARCHAR",
        T::Binary { .. } => "BINARY",
        T::VarBinary { .. } => "VARBINARY",
        T::TinyText => "TINYTEXT",
        T::Text => "TEXT",
        T::MediumText => "MEDIUMTEXT",
        T::LongText => "LONGTEXT",
        T::TinyBlob => "TINYBLOB",
        T::Blob => "BLOB",
        T::MediumBlob => "MEDIUMBLOB",
        T::LongBlob => "LONGBLOB",
        T::Enum { .. } => "ENUM",
        T::Set { .. } => "SET",
        T::Json => "JSON",
        T::Geometry { .. } => "GEOMETRY",
        T::Vector { .. } => "VECTOR",
        T::Uuid => "UUID",
        T::Inet4 => "INET4",
        T::Inet6 => "INET6",
    }
}
