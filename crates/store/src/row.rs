//! Rows into models: what a row must not hold is named, with its place.

use std::fmt::Display;
use std::str::FromStr;

use backtrail_domain::{BinlogPosition, GtidSet};
use uuid::Uuid;

use crate::StoreError;

/// One row, for messages.
#[derive(Clone, Copy)]
pub(crate) struct RowName {
    pub(crate) table: &'static str,
    pub(crate) id: Uuid,
}

impl RowName {
    pub(crate) fn corrupt(&self, column: &'static str, reason: impl Display) -> StoreError {
        StoreError::Corrupt { table: self.table, id: self.id.to_string(), column, reason: reason.to_string() }
    }

    pub(crate) fn parse<T: FromStr<Err: Display>>(&self, column: &'static str, text: &str) -> Result<T, StoreError> {
        text.parse().map_err(|error: T::Err| self.corrupt(column, error))
    }

    pub(crate) fn parse_some<T: FromStr<Err: Display>>(
        &self,
        column: &'static str,
        text: Option<&str>,
    ) -> Result<Option<T>, StoreError> {
        text.map(|text| self.parse(column, text)).transpose()
    }

    pub(crate) fn number<T: TryFrom<N>, N: Display + Copy>(
        &self,
        column: &'static str,
        number: N,
    ) -> Result<T, StoreError> {
        T::try_from(number).map_err(|_| self.corrupt(column, number))
    }

    pub(crate) fn number_some<T: TryFrom<N>, N: Display + Copy>(
        &self,
        column: &'static str,
        number: Option<N>,
    ) -> Result<Option<T>, StoreError> {
        number.map(|number| self.number(column, number)).transpose()
    }

    pub(crate) fn position(
        &self,
        column: &'static str,
        file: Option<&str>,
        offset: Option<i64>,
    ) -> Result<Option<BinlogPosition>, StoreError> {
        match (file, offset) {
            (Some(file), Some(offset)) => {
                Ok(Some(BinlogPosition { file: self.parse(column, file)?, offset: self.number(column, offset)? }))
            }
            _ => Ok(None),
        }
    }

    /// An empty set is kept as an empty text, and read back as `None`: only the text of a set names its family.
    pub(crate) fn gtid_set(&self, column: &'static str, text: Option<&str>) -> Result<Option<GtidSet>, StoreError> {
        self.parse_some(column, text.filter(|text| !text.is_empty()))
    }

    pub(crate) fn sum(&self, column: &'static str, bytes: &[u8]) -> Result<[u8; 32], StoreError> {
        bytes.try_into().map_err(|_| self.corrupt(column, format_args!("{} bytes, not 32", bytes.len())))
    }
}

/// A number on its way into a `bigint` column.
pub(crate) fn bigint(what: &'static str, number: u64) -> Result<i64, StoreError> {
    number.try_into().map_err(|_| StoreError::OutOfRange { what })
}
