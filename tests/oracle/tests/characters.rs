//! What the engine believes of characters, asked of live servers.

use std::collections::BTreeMap;

use backtrail_devstack::{MySql, StackDirectory};
use backtrail_oracle::{Server, ServerKind};
use backtrail_schema::{ClientCharset, general_ci};
use mysql_async::prelude::Queryable;

const CHARSETS: &[&str] = &[
    "koi8r", "koi8u", "latin1", "latin2", "latin5", "latin7", "greek", "hebrew", "tis620", "cp866", "cp1250", "cp1251",
    "cp1256", "cp1257", "macroman", "big5", "sjis", "cp932", "gbk", "gb2312", "gb18030", "euckr", "ujis", "eucjpms",
];

/// Rows of a query at once.
const AT_ONCE: usize = 4_000;

/// All bytes that may be a character.
fn candidates() -> impl Iterator<Item = Vec<u8>> {
    let high = || 0x80..=0xff_u8;
    let one = high().map(|byte| vec![byte]);
    let two = high().flat_map(|first| (0x30..=0xff_u8).map(move |second| vec![first, second]));
    let three = (0xa1..=0xfe_u8).flat_map(|second| (0xa1..=0xfe_u8).map(move |third| vec![0x8f, second, third]));
    one.chain(two).chain(three)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

async fn letters_of(kind: ServerKind) {
    let directory = StackDirectory::create("characters").unwrap();
    let server = Server::target(kind, directory.path()).await.unwrap();
    let mut connection = server.connect().await.unwrap();
    let mut wrong = Vec::new();
    for charset in CHARSETS {
        if kind == ServerKind::Mariadb && *charset == "gb18030" {
            continue;
        }
        let client = ClientCharset::of_name(charset);
        let known: BTreeMap<String, char> = candidates()
            .filter(|bytes| client.length(bytes) == bytes.len() || bytes.len() == 3 || bytes.len() == 1)
            .filter_map(|bytes| {
                let name = client.decode(&bytes)?;
                let mut letters = name.chars();
                let letter = letters.next()?;
                letters.next().is_none().then(|| (hex(&bytes), letter))
            })
            .collect();
        assert!(known.len() >= 20, "{charset}: {} letters", known.len());
        let entries: Vec<(&String, &char)> = known.iter().collect();
        for part in entries.chunks(AT_ONCE) {
            let values: Vec<String> =
                part.iter().map(|(hex, _)| format!("SELECT HEX(CONVERT(_{charset} X'{hex}' USING utf32))")).collect();
            // In one row each, since a query of many SELECTs is parsed slowly.
            for (chunk, entries) in values.chunks(200).zip(part.chunks(200)) {
                let answers: Vec<String> = connection.query(chunk.join(" UNION ALL ")).await.unwrap();
                for (answer, (hex, letter)) in answers.iter().zip(entries) {
                    if *answer != format!("{:08X}", u32::from(**letter)) {
                        wrong.push(format!("{charset} {hex} is {answer}, not {letter}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let all: Vec<char> = (1..=0xffff_u32).filter_map(char::from_u32).filter(|own| *own != '\u{feff}').collect();
    for part in all.chunks(400) {
        let of = |own: &char| {
            format!("SELECT HEX(WEIGHT_STRING(_utf16 X'{:04X}' COLLATE utf16_general_ci))", u32::from(*own))
        };
        let query: Vec<String> = part.iter().map(of).collect();
        let weights: Vec<String> = connection.query(query.join(" UNION ALL ")).await.unwrap();
        for (own, weight) in part.iter().zip(weights) {
            let folded = general_ci(&own.to_string()).chars().next().unwrap();
            assert_eq!(weight, format!("{:04X}", u32::from(folded)), "{own}");
        }
    }
    connection.disconnect().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_of_mariadb() {
    letters_of(ServerKind::Mariadb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_of_mysql() {
    if MySql::available() {
        letters_of(ServerKind::Mysql).await;
    }
}
