//! `devstack s3`: the S3 server as a process of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use backtrail_devstack::{Interrupts, S3, ports, random_secret};

#[derive(Debug, clap::Args)]
pub(crate) struct ServeS3 {
    /// Where buckets and objects are kept.
    #[arg(long)]
    dir: PathBuf,
    /// Address and port; a free port on 127.0.0.1 when not given.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// A file with the access key's id; a random one when not given.
    #[arg(long, requires = "secret_access_key_file")]
    access_key_id_file: Option<PathBuf>,
    /// A file with the secret key; a random one when not given.
    #[arg(long, requires = "access_key_id_file")]
    secret_access_key_file: Option<PathBuf>,
    /// Buckets to create.
    #[arg(long)]
    bucket: Vec<String>,
}

impl ServeS3 {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let mut interrupts = Interrupts::listen()?;
        let key = |file: &Option<PathBuf>| match file {
            Some(path) => std::fs::read_to_string(path)
                .map(|text| text.trim().to_owned())
                .with_context(|| format!("cannot read {}", path.display())),
            None => Ok(random_secret()),
        };
        let listen = match self.listen {
            Some(listen) => listen,
            None => SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()?)),
        };
        let (id, secret) = (key(&self.access_key_id_file)?, key(&self.secret_access_key_file)?);
        let s3 = S3::start_with(&self.dir, listen, id, secret).await?;
        for bucket in &self.bucket {
            s3.create_bucket(bucket)?;
        }
        println!("endpoint {}", s3.endpoint);
        if self.access_key_id_file.is_none() {
            println!("access key id {}\nsecret access key {}", s3.access_key_id, s3.secret_access_key);
        }
        interrupts.next().await;
        Ok(ExitCode::SUCCESS)
    }
}
