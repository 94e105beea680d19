//! Writes a target's seeds into a directory: `seeds TARGET DIRECTORY`.

use std::path::Path;

use backtrail_fuzz::{Target, seeds};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let target = Target::ALL.into_iter().find(|target| Some(target.name()) == arguments.first().map(String::as_str));
    let (Some(target), Some(directory)) = (target, arguments.get(1)) else {
        eprintln!("usage: seeds binlog|dump|ddl|metadata DIRECTORY");
        std::process::exit(2);
    };
    std::fs::create_dir_all(directory).expect("the directory can be made");
    for (name, input) in seeds::of(target) {
        std::fs::write(Path::new(directory).join(name), input).expect("a seed can be written");
    }
}
