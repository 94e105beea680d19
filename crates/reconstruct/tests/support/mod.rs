//! The engine's traits over directories, for tests and the example.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use backtrail_reconstruct::{Baseline, BinaryLog, FileInfo, LogPiece, ResultFile, ResultSink, Spill, SpillFile};

/// A dump in a directory.
pub(crate) struct Directory(pub(crate) PathBuf);

fn list(path: &Path) -> io::Result<Vec<FileInfo>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_file() {
            files.push(FileInfo { name: entry.file_name().to_string_lossy().into_owned(), size: metadata.len() });
        }
    }
    Ok(files)
}

impl Baseline for Directory {
    fn files(&self) -> io::Result<Vec<FileInfo>> {
        list(&self.0)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(self.0.join(name))?))
    }
}

impl BinaryLog for Directory {
    fn pieces(&self) -> io::Result<Vec<LogPiece>> {
        let mut pieces = Vec::new();
        for file in list(&self.0)? {
            if let Ok(name) = file.name.parse() {
                pieces.push(LogPiece { name: file.name, file: name, start: 4, end: None });
            }
        }
        Ok(pieces)
    }

    fn open(&self, piece: &LogPiece) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(self.0.join(&piece.name))?))
    }
}

impl ResultSink for Directory {
    fn create(&self, name: &str) -> io::Result<Box<dyn ResultFile>> {
        fs::create_dir_all(&self.0)?;
        Ok(Box::new(Output(BufWriter::new(File::create(self.0.join(name))?))))
    }
}

struct Output(BufWriter<File>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl ResultFile for Output {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.0.flush()
    }
}

impl Spill for Directory {
    fn create(&self) -> io::Result<Box<dyn SpillFile>> {
        fs::create_dir_all(&self.0)?;
        let path = self.0.join(format!(
            "spill-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
        ));
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        fs::remove_file(&path)?;
        Ok(Box::new(SpillInFile(Mutex::new(file))))
    }
}

static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

struct SpillInFile(Mutex<File>);

impl SpillFile for SpillInFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.0.lock().unwrap();
        file.seek(SeekFrom::End(0))?;
        file.write_all(bytes)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut file = self.0.lock().unwrap();
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(buffer)
    }
}
