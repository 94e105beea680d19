//! The column types of both families.

use crate::random::Random;
use crate::server::quoted;

/// What a history's server knows, and what a history is to have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    /// MySQL, not MariaDB.
    pub(crate) mysql: bool,
    /// MariaDB 11.8: VECTOR, times up to 2106, FULL_NODUP.
    pub(crate) newer: bool,
    /// MariaDB 10.5: neither UUID nor INET4.
    pub(crate) older: bool,
    /// MariaDB's UUID, INET4 and INET6.
    pub(crate) addresses: bool,
    /// Columns that `SELECT *` leaves out.
    pub(crate) invisible: bool,
    /// ENUM and SET columns of character sets that are no superset of ASCII's bytes.
    pub(crate) wide_members: bool,
    /// Sequences of other types than BIGINT.
    pub(crate) sequence_types: bool,
    /// Defaults of binary columns, which make a definition other than UTF-8.
    pub(crate) binary_defaults: bool,
    /// What dumps lose, hence only behind the baseline: -0.0, which they write as a whole number, and a FLOAT's digits
    /// beyond six.
    pub(crate) beyond_dumps: bool,
}

/// A character set with one of its collations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Charset {
    pub(crate) name: &'static str,
    collation: &'static str,
}

impl Charset {
    /// The same or one that has all its characters.
    pub(crate) fn wider(self, random: &mut Random) -> Self {
        if random.percent(60) { self } else { CHARSETS[random.below(3)].1 }
    }
}

const CHARSETS: &[(usize, Charset)] = &[
    (20, Charset { name: "utf8mb4", collation: "utf8mb4_general_ci" }),
    (12, Charset { name: "utf8mb4", collation: "utf8mb4_bin" }),
    (12, Charset { name: "utf8mb4", collation: "utf8mb4_unicode_ci" }),
    (14, Charset { name: "latin1", collation: "latin1_swedish_ci" }),
    (4, Charset { name: "latin1", collation: "latin1_bin" }),
    (8, Charset { name: "gbk", collation: "gbk_chinese_ci" }),
    (8, Charset { name: "utf16", collation: "utf16_general_ci" }),
    (4, Charset { name: "ascii", collation: "ascii_general_ci" }),
    (4, Charset { name: "ucs2", collation: "ucs2_bin" }),
    (4, Charset { name: "sjis", collation: "sjis_japanese_ci" }),
    (4, Charset { name: "big5", collation: "big5_chinese_ci" }),
];

/// A column's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Int { bytes: usize, unsigned: bool },
    Decimal { digits: usize, scale: usize, unsigned: bool },
    Float,
    Double,
    Bit(usize),
    Char { length: usize, charset: Charset },
    Varchar { length: usize, charset: Charset },
    Text { size: usize, charset: Charset },
    Binary(usize),
    Varbinary(usize),
    Blob(usize),
    Enum { members: Vec<&'static str>, charset: Charset },
    Set { members: Vec<&'static str>, charset: Charset },
    Date,
    Time(usize),
    Datetime(usize),
    Timestamp(usize),
    Year,
    Json,
    Geometry(&'static str),
    Vector(usize),
    Uuid,
    Inet4,
    Inet6,
}

/// What ENUM and SET columns have as members, the first ones of them.
pub(crate) const MEMBERS: &[&str] =
    &["a", "B c", "x'y", "é", "q\"q", "ö)", "7", "NULL", "m8", "m9", "m10", "m11", "m12", "m13", "m14", "m15", "m16"];

impl Kind {
    /// Any type.
    pub(crate) fn any(dialect: Dialect, random: &mut Random) -> Self {
        let charset = *random.weighted(CHARSETS);
        let fsp = *random.pick(&[0, 0, 3, 6, 1, 2, 4, 5]);
        let mut choices: Vec<(usize, Self)> = vec![
            (14, Self::int(random)),
            (8, Self::decimal(random)),
            (4, Self::Float),
            (5, Self::Double),
            (5, Self::Bit(*random.pick(&[1, 7, 8, 9, 33, 63, 64]))),
            (6, Self::Char { length: *random.pick(&[1, 5, 20, 63]), charset }),
            (12, Self::Varchar { length: *random.pick(&[10, 60, 100, 300]), charset }),
            (8, Self::Text { size: random.below(4), charset }),
            (5, Self::Binary(*random.pick(&[1, 4, 16]))),
            (5, Self::Varbinary(*random.pick(&[8, 40, 300]))),
            (6, Self::Blob(random.below(4))),
            (6, Self::Enum { members: members(random), charset: enum_charset(dialect, charset) }),
            (6, Self::Set { members: members(random), charset: enum_charset(dialect, charset) }),
            (5, Self::Date),
            (5, Self::Time(fsp)),
            (7, Self::Datetime(fsp)),
            (6, Self::Timestamp(fsp)),
            (3, Self::Year),
            (7, Self::Json),
            (4, Self::Geometry(random.word(&["GEOMETRY", "POINT", "LINESTRING", "POLYGON"]))),
        ];
        if dialect.mysql || dialect.newer {
            choices.push((4, Self::Vector(*random.pick(&[1, 3, 16]))));
        }
        if !dialect.mysql && dialect.addresses {
            choices.push((2, Self::Inet6));
        }
        if !dialect.mysql && dialect.addresses && !dialect.older {
            choices.extend([(2, Self::Uuid), (1, Self::Inet4)]);
        }
        random.weighted(&choices).clone()
    }

    /// A type that can be a key.
    pub(crate) fn of_key(dialect: Dialect, random: &mut Random) -> Self {
        loop {
            let kind = Self::any(dialect, random);
            let long = match &kind {
                Self::Char { length, .. } | Self::Varchar { length, .. } => *length > 100,
                Self::Binary(length) | Self::Varbinary(length) => *length > 100,
                Self::Text { .. } | Self::Blob(_) | Self::Json | Self::Geometry(_) | Self::Vector(_) => true,
                Self::Float | Self::Double => random.percent(80),
                _ => false,
            };
            if !long {
                return kind;
            }
        }
    }

    /// An integer of some width.
    pub(crate) fn int(random: &mut Random) -> Self {
        Self::Int { bytes: *random.weighted(&[(3, 1), (2, 2), (2, 3), (8, 4), (6, 8)]), unsigned: random.percent(40) }
    }

    fn decimal(random: &mut Random) -> Self {
        let (digits, scale) = *random.pick(&[(5, 2), (10, 0), (20, 10), (65, 30), (38, 38), (65, 0), (9, 9), (18, 1)]);
        let scale = if digits == 38 { 30 } else { scale };
        Self::Decimal { digits, scale, unsigned: random.percent(15) }
    }

    /// As it stands in a definition.
    pub(crate) fn sql(&self) -> String {
        let text = |charset: &Charset| format!(" CHARACTER SET {} COLLATE {}", charset.name, charset.collation);
        let list = |members: &[&str]| {
            members.iter().map(|member| format!("'{}'", member.replace('\'', "''"))).collect::<Vec<_>>().join(",")
        };
        let unsigned = |unsigned: bool| if unsigned { " UNSIGNED" } else { "" };
        let fraction = |name: &str, fsp: usize| if fsp == 0 { name.to_owned() } else { format!("{name}({fsp})") };
        let sized = |size: usize, name: &str| format!("{}{name}", ["TINY", "", "MEDIUM", "LONG"][size.min(3)]);
        match self {
            Self::Int { bytes, unsigned: sign } => {
                let name = match bytes {
                    1 => "TINYINT",
                    2 => "SMALLINT",
                    3 => "MEDIUMINT",
                    4 => "INT",
                    _ => "BIGINT",
                };
                format!("{name}{}", unsigned(*sign))
            }
            Self::Decimal { digits, scale, unsigned: sign } => {
                format!("DECIMAL({digits},{scale}){}", unsigned(*sign))
            }
            Self::Float => "FLOAT".to_owned(),
            Self::Double => "DOUBLE".to_owned(),
            Self::Bit(width) => format!("BIT({width})"),
            Self::Char { length, charset } => format!("CHAR({length}){}", text(charset)),
            Self::Varchar { length, charset } => format!("VARCHAR({length}){}", text(charset)),
            Self::Text { size, charset } => format!("{}{}", sized(*size, "TEXT"), text(charset)),
            Self::Binary(length) => format!("BINARY({length})"),
            Self::Varbinary(length) => format!("VARBINARY({length})"),
            Self::Blob(size) => sized(*size, "BLOB"),
            Self::Enum { members, charset } => format!("ENUM({}){}", list(members), text(charset)),
            Self::Set { members, charset } => format!("SET({}){}", list(members), text(charset)),
            Self::Date => "DATE".to_owned(),
            Self::Time(fsp) => fraction("TIME", *fsp),
            Self::Datetime(fsp) => fraction("DATETIME", *fsp),
            Self::Timestamp(fsp) => fraction("TIMESTAMP", *fsp),
            Self::Year => "YEAR".to_owned(),
            Self::Json => "JSON".to_owned(),
            Self::Geometry(name) => (*name).to_owned(),
            Self::Vector(length) => format!("VECTOR({length})"),
            Self::Uuid => "UUID".to_owned(),
            Self::Inet4 => "INET4".to_owned(),
            Self::Inet6 => "INET6".to_owned(),
        }
    }

    /// Whether a key over it has to name a length.
    pub(crate) fn needs_prefix(&self) -> bool {
        matches!(self, Self::Text { .. } | Self::Blob(_))
    }

    /// Whether a default other than NULL may stand in its definition.
    pub(crate) fn takes_default(&self) -> bool {
        !matches!(self, Self::Text { .. } | Self::Blob(_) | Self::Json | Self::Geometry(_) | Self::Vector(_))
    }
}

fn members(random: &mut Random) -> Vec<&'static str> {
    MEMBERS[..random.between(2, MEMBERS.len())].to_vec()
}

/// One that has all members.
fn enum_charset(dialect: Dialect, charset: Charset) -> Charset {
    let wide = ["utf16", "ucs2"].contains(&charset.name) && !dialect.wide_members;
    if !wide && ["utf8mb4", "latin1", "utf16", "ucs2"].contains(&charset.name) { charset } else { CHARSETS[0].1 }
}

/// A column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
    /// The expression and whether it is stored.
    pub(crate) generated: Option<(String, bool)>,
    pub(crate) invisible: bool,
    pub(crate) automatic: bool,
    /// What stands behind DEFAULT.
    pub(crate) default: Option<String>,
    pub(crate) comment: Option<&'static str>,
}

impl Column {
    /// A column of a type.
    pub(crate) fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
            nullable: true,
            generated: None,
            invisible: false,
            automatic: false,
            default: None,
            comment: None,
        }
    }

    /// As it stands in a definition.
    pub(crate) fn sql(&self) -> String {
        let mut sql = format!("{} {}", quoted(&self.name), self.kind.sql());
        if let Some((expression, stored)) = &self.generated {
            sql.push_str(&format!(" AS ({expression}) {}", if *stored { "STORED" } else { "VIRTUAL" }));
        } else {
            sql.push_str(if self.nullable { " NULL" } else { " NOT NULL" });
            // MariaDB wants it before INVISIBLE or after; MySQL knows it at the end.
            if let Some(default) = &self.default {
                sql.push_str(&format!(" DEFAULT {default}"));
            } else if matches!(self.kind, Kind::Timestamp(_)) && self.nullable {
                sql.push_str(" DEFAULT NULL");
            }
            if self.automatic {
                sql.push_str(" AUTO_INCREMENT");
            }
        }
        if self.invisible {
            sql.push_str(" INVISIBLE");
        }
        if let Some(comment) = self.comment {
            sql.push_str(&format!(" COMMENT '{comment}'"));
        }
        sql
    }

    /// Whether statements may give it a value.
    pub(crate) fn writable(&self) -> bool {
        self.generated.is_none()
    }
}
